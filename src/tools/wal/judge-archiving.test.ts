import { expect, it } from 'vitest';
import type { ArchiveBacklog } from './archiving.ts';
import { judgeArchiving } from './judge-archiving.ts';

const MIB = 2 ** 20;
type Archiver = NonNullable<Parameters<typeof judgeArchiving>[0]>;

const works: Archiver = {
  mode: 'on',
  archived: 100,
  failed: 0,
  last_archived_at: '2026-01-01T00:00:00Z',
  last_failed_at: null,
  last_failed_wal: null,
  failing: false,
  by: 'archive_command',
  expected: true,
  last_archived_wal: '000000010000000000000001',
  last_archived_s: 30,
  last_failed_s: null,
  archived_per_hour: 10,
  archive_timeout_s: null,
  counted_since: null,
};
const empty: ArchiveBacklog = { waiting: 0, waiting_size: 0, oldest_waiting_wal: null, oldest_waiting_s: null };
const some: ArchiveBacklog = {
  waiting: 6,
  waiting_size: 96 * MIB,
  oldest_waiting_wal: '000000010000000000000002',
  oldest_waiting_s: 660,
};
const judge = (row: Partial<Archiver>, backlog: ArchiveBacklog | undefined) =>
  judgeArchiving({ ...works, ...row }, backlog, { max_waiting_size: 100 * MIB, max_waiting_s: 600 }).map(
    ({ severity, claim }) => `${severity}: ${claim}`,
  );

const HANGS = 'warning: 6 files wait to be archived, the oldest for 11 min, and nothing is: the attempt hangs.';

it.each<[string, Partial<Archiver>, ArchiveBacklog | undefined, string[]]>([
  ['has nothing to do', {}, empty, []],
  ['has not had anything to do', { last_archived_s: null, last_archived_at: null }, empty, []],
  ['is busy', {}, some, []],
  ['has been idle until now', { last_archived_s: 9999 }, { ...some, oldest_waiting_s: 600 }, []],
  ['hangs', { last_archived_s: 601 }, some, [HANGS]],
  ['has never got anywhere', { last_archived_s: null }, some, [HANGS]],
  [
    'does not keep up',
    {},
    { ...some, waiting: 7, waiting_size: 112 * MIB },
    [
      'warning: 7 files wait to be archived: archiving does not keep up, and what waits would be missing after a loss of this server.',
    ],
  ],
  [
    'fails',
    { failing: true, last_archived_s: 9999 },
    { ...some, waiting_size: 1000 * MIB },
    ['critical: WAL is not being archived: the last attempt failed, and pg_wal grows until one succeeds.'],
  ],
  [
    'has no command',
    { by: null },
    some,
    ['warning: Archiving is on and no setting says how, so pg_wal grows until one does.'],
  ],
  ['is off', { mode: 'off', expected: false, by: null }, { ...some, waiting_size: 1000 * MIB }, []],
  ['may not be looked at', { last_archived_s: 9999 }, undefined, []],
])('judges archiving that %s', (_, row, backlog, claims) => {
  expect(judge(row, backlog)).toEqual(claims);
});

it('says nothing of what could not be read', () => {
  expect(judgeArchiving(undefined, empty, { max_waiting_size: 0, max_waiting_s: 0 })).toEqual([]);
});
