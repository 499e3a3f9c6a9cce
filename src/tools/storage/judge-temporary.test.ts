import { expect, it } from 'vitest';
import { judgeSpilling, judgeTemporary, unlisted } from './judge-temporary.ts';
import type { LiveFiles, SpilledDatabase } from './temporary-row.ts';

const GIB = 2 ** 30;
const file: LiveFiles = {
  pid: 42,
  tablespace: 'pg_default',
  files: 3,
  size: 3 * GIB,
  last_written: null,
  is_running: true,
  backend_type: 'client backend',
  user: 'app',
  database: 'Shop',
  application: '',
  statement_s: 60,
  statement: 'select $1',
};
const database: SpilledDatabase = {
  database: 'Shop',
  temp_files: 100,
  temp_size: 100 * GIB,
  size_per_hour: GIB,
  counted_s: 360_000,
  counted_since: null,
};
const unlimited = { name: 'temp_file_limit', value: '-1', source: 'default' };
const input = { max_size_per_hour: 10 * GIB, max_session_size: 5 * GIB };

function claims(live: readonly LiveFiles[], databases: readonly SpilledDatabase[] = [], settings = [unlimited]) {
  return judgeTemporary({ live, databases, settings }, input, null).map(
    ({ severity, claim }) => `${severity} ${claim}`,
  );
}

const NO_LIMIT = 'notice Nothing limits temporary files: one session can fill the disk.';

/** Ends a comment by its line break, and would end a quoted name or constant that is not quoted well. */
const HOSTILE = `x"'\n; DROP TABLE planted; --`;
const runnable = (sql: string) => sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*/gs, ' ');

it('leaves a hostile name a name', () => {
  const [finding] = judgeSpilling([{ ...database, database: HOSTILE }], GIB);
  expect(finding?.next_step).toContain('planted');
  expect(runnable(finding?.next_step ?? '')).not.toContain('planted');
});

it('says nothing of ordinary files, nor of a limit that is not needed', () => {
  expect(claims([file], [database])).toEqual([]);
});

it('adds up what one session has in several tablespaces', () => {
  expect(claims([file, { ...file, tablespace: 'other' }])).toEqual([
    'warning Session 42 has 6.0 GiB of temporary files.',
    NO_LIMIT,
  ]);
  expect(claims([file, { ...file, pid: 43 }])).toEqual([]);
});

it('warns of a session at the threshold, and of the missing limit only where it is known to be missing', () => {
  const large = { ...file, size: 5 * GIB };
  expect(claims([large])).toHaveLength(2);
  expect(claims([large], [], [{ ...unlimited, value: '1048576' }])).toHaveLength(1);
  expect(claims([large], [], [])).toHaveLength(1);
});

it('reports databases by what they write an hour, and none whose hour is not known', () => {
  const spilling = { ...database, size_per_hour: 10 * GIB };
  expect(claims([], [spilling])).toEqual([
    'notice Sessions of database "Shop" write 10.0 GiB of temporary files an hour.',
    NO_LIMIT,
  ]);
  expect(
    judgeSpilling(
      [
        { ...spilling, size_per_hour: 10 * GIB - 1 },
        { ...spilling, size_per_hour: null },
      ],
      10 * GIB,
    ),
  ).toEqual([]);
  expect(judgeSpilling([{ ...spilling, database: "it's" }], GIB)[0]?.next_step).toContain("datname = 'it''s'");
});

it('reports what a crash left', () => {
  const left = { ...file, is_running: false, database: null, size: 100 * 1024 * 1024 };
  expect(claims([left])).toEqual(['notice 100 MiB of temporary files belong to no session: a crash left them.']);
  expect(claims([{ ...left, size: 100 * 1024 * 1024 - 1 }])).toEqual([]);
});

it('says what the list leaves out', () => {
  const own = { name: 'work_mem', value: null, source: 'user' };
  expect(unlisted({ parallelWorkers: 0, settings: [unlimited] })).toEqual([]);
  expect(unlisted({ parallelWorkers: 2, settings: [unlimited, own] }).map(({ what }) => what)).toEqual([
    'temporary files that parallel workers share',
    'work_mem of other roles',
  ]);
});
