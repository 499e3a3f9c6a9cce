import { describe, expect, it } from 'vitest';
import type { AboutIo, IoRow } from './io-row.ts';
import { judgeIo, notCountedIo } from './judge-io.ts';

const GIB = 2 ** 30;
const row: IoRow = {
  backend_type: 'client backend',
  object: 'relation',
  context: 'normal',
  reads: 10_000,
  read_size: 10_000 * 8192,
  read_ms: 10_000,
  hits: 90_000,
  hit_percent: 90,
  writes: 0,
  write_size: 0,
  write_ms: 0,
  extends: 10_000,
  extend_size: 10_000 * 8192,
  extend_ms: 10_000,
  fsyncs: 0,
  fsync_ms: 0,
  evictions: 0,
  reuses: null,
  source: null,
};
const checkpointer: IoRow = {
  ...row,
  backend_type: 'checkpointer',
  reads: null,
  read_ms: null,
  extends: null,
  extend_ms: null,
  write_size: 10 * GIB,
  fsyncs: 1000,
  fsync_ms: 10_000,
};
const about: AboutIo = {
  counted_since: '2026-01-01T00:00:00Z',
  counted_s: 3600,
  databases_counted_since: null,
  bgwriter_lru_maxpages: 100,
  track_io_timing: true,
  track_wal_io_timing: true,
};
const input = { max_read_ms: 20, max_extend_ms: 20, max_fsync_ms: 500, max_backend_write_percent: 50 };
const facts = { service: null, major: 18 };

function claims(rows: readonly IoRow[], more: Partial<AboutIo> = {}): string[] {
  return judgeIo(rows, { input, about: { ...about, ...more }, facts }).map(
    ({ severity, claim }) => `${severity} ${claim}`,
  );
}

describe('findings on I/O', () => {
  it('are none of an ordinary server, or of one that has done nothing', () => {
    expect(claims([row, checkpointer])).toEqual([]);
    expect(claims([])).toEqual([]);
    expect(judgeIo([row], { input, about: null, facts })).toEqual([]);
  });

  it.each<[string, Partial<IoRow>, string[]]>([
    [
      'slow reads',
      { read_ms: 210_000 },
      ['notice Reading takes 21 ms on average in client backend (relation, normal).'],
    ],
    ['reads at the threshold', { read_ms: 200_000 }, []],
    ['few slow reads', { reads: 999, read_ms: 210_000 }, []],
    ['reads that nothing timed', { read_ms: null }, []],
    [
      'files that grow slowly',
      { extend_ms: 250_000 },
      ['notice Growing a file takes 25 ms on average in client backend (relation, normal).'],
    ],
    [
      'sessions that sync',
      { fsyncs: 100, fsync_ms: 100 },
      ['warning Sessions had to sync files themselves 100 times, because the checkpointer did not keep up.'],
    ],
    ['sessions that synced a few times', { fsyncs: 99, fsync_ms: 99 }, []],
    ['syncs of WAL, which are everybody’s', { object: 'wal', fsyncs: 100_000, fsync_ms: 100_000 }, []],
    ['syncs of a server that starts', { backend_type: 'startup', fsyncs: 1000, fsync_ms: 1000 }, []],
    [
      'sessions that write most',
      { write_size: 12 * GIB },
      ['notice Sessions write 55 % of the changed blocks themselves, before they can read others into shared buffers.'],
    ],
    ['sessions that write as much as the others', { write_size: 10 * GIB }, []],
    ['sessions that load data', { write_size: 100 * GIB, context: 'bulkwrite' }, []],
  ])('judge %s', (_, more, expected) => {
    expect(claims([{ ...row, ...more }, checkpointer])).toEqual(expected);
  });

  it('judge slow syncs of the checkpointer', () => {
    expect(claims([{ ...checkpointer, fsync_ms: 600_000 }])).toEqual([
      'notice Syncing a file takes 600 ms on average in checkpointer (relation, normal).',
    ]);
  });

  it('go by the hour, so that a long time makes little of much', () => {
    const rows = [{ ...row, write_size: 100 * GIB }];
    expect(claims(rows)).toHaveLength(1);
    expect(claims(rows, { counted_s: 101 * 3600 })).toEqual([]);
  });

  it.each([
    [100, 'bgwriter_lru_maxpages = 200;'],
    [600, 'bgwriter_lru_maxpages = 1000;'],
    [1000, 'larger shared_buffers help'],
  ])('never advise less than the %i pages that there are', (bgwriter_lru_maxpages, expected) => {
    const [finding] = judgeIo([{ ...row, write_size: 100 * GIB }], {
      input,
      about: { ...about, bgwriter_lru_maxpages },
      facts,
    });
    expect(finding?.next_step).toContain(expected);
    expect(finding?.next_step?.includes('ALTER SYSTEM')).toBe(bgwriter_lru_maxpages < 1000);
  });

  it('tell before PostgreSQL 16 what sessions synced, and not that they write', () => {
    const backends = { ...row, backend_type: 'backends', context: 'all', source: 'pg_stat_bgwriter', fsyncs: 500 };
    const findings = judgeIo([{ ...backends, write_size: 100 * GIB }], {
      input,
      about,
      facts: { ...facts, major: 15 },
    });
    expect(findings).toMatchObject([{ severity: 'warning', next_step: expect.stringContaining('pg_stat_bgwriter;') }]);
  });
});

function gaps(more: Partial<AboutIo>, major: number): string[] {
  return notCountedIo({ ...about, ...more }, { service: null, major }).map(({ what }) => what);
}

it('says what is not counted', () => {
  expect(gaps({}, 18)).toEqual([]);
  expect(gaps({ track_io_timing: false, track_wal_io_timing: false }, 18)).toEqual([
    'the time of reads and writes',
    'the time of I/O of WAL',
  ]);
  expect(gaps({ track_wal_io_timing: false }, 17)).toEqual([]);
  expect(gaps({ track_wal_io_timing: null }, 15)).toEqual([
    'I/O by kind of process and context, growth of files, evictions',
  ]);
});
