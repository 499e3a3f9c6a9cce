import { expect, it } from 'vitest';
import type { CounterRow } from './counter-row.ts';
import { judgeCounters } from './judge-counters.ts';

const GIB = 2 ** 30;
const DAY_S = 86_400;
const row: CounterRow = {
  database: 'Shop',
  counted_since: '2026-01-01T00:00:00Z',
  counted_s: 10 * DAY_S,
  connections: 10,
  commits: 10_000_000,
  rollbacks: 0,
  rollback_percent: 0,
  transactions_per_s: 11.6,
  hit_percent: 99,
  read_size: 0,
  tup_returned: 0,
  tup_fetched: 0,
  tup_inserted: 0,
  tup_updated: 0,
  tup_deleted: 0,
  temp_files: 0,
  temp_size: 0,
  temp_size_per_hour: 0,
  deadlocks: 0,
  conflicts: 0,
  checksum_failures: 0,
  last_checksum_failure: null,
  read_ms: 0,
  write_ms: 0,
  sessions: 1,
  sessions_abandoned: 0,
  sessions_fatal: 0,
  sessions_killed: 0,
  session_ms: 0,
  active_ms: 0,
  idle_in_transaction_ms: 0,
  parallel_workers_to_launch: 0,
  parallel_workers_launched: 0,
};
const input = {
  max_deadlocks_per_day: 10,
  max_rollback_percent: 20,
  min_hit_percent: 90,
  min_launched_percent: 80,
  max_temp_per_hour: 10 * GIB,
};

function claims(...rows: Partial<CounterRow>[]): string[] {
  return judgeCounters(
    rows.map((more) => ({ ...row, ...more })),
    input,
    { service: null, limits: undefined },
  ).map(({ severity, claim }) => `${severity} ${claim}`);
}

it.each<[string, Partial<CounterRow>, string[]]>([
  ['an ordinary one', {}, []],
  ['one that was never used', { commits: 0, hit_percent: null, rollback_percent: null, counted_s: 0 }, []],
  ['deadlocks', { deadlocks: 200 }, ['notice Database "Shop" has 20 deadlocks a day.']],
  ['as many deadlocks as may be', { deadlocks: 100 }, []],
  ['a few deadlocks since a moment ago', { deadlocks: 10, counted_s: 60 }, []],
  [
    'a fifth of its transactions and more rolled back',
    { rollbacks: 2 * 10 * DAY_S, rollback_percent: 20.5 },
    ['notice 20.5 % of the transactions of database "Shop" are rolled back.'],
  ],
  ['a fifth of them', { rollbacks: 2 * 10 * DAY_S, rollback_percent: 20 }, []],
  // as of a database that nobody but a monitor looks at
  ['hardly any transaction, all rolled back', { commits: 5, rollbacks: DAY_S, rollback_percent: 99.9 }, []],
  [
    'a health check, a moment after the counters were reset',
    { commits: 7, rollbacks: 61, rollback_percent: 89.7, counted_s: 27 },
    [],
  ],
  [
    'few hits and many reads',
    { hit_percent: 89.9, read_size: 2400 * GIB },
    ['notice Only 89.9 % of the blocks that database "Shop" needs are in shared_buffers.'],
  ],
  ['few hits of hardly any read', { hit_percent: 10, read_size: 2399 * GIB }, []],
  ['many reads and more hits', { hit_percent: 90, read_size: 24_000 * GIB }, []],
  [
    'temporary files',
    { temp_size: 2400 * GIB, temp_size_per_hour: 10 * GIB },
    ['notice Sessions of database "Shop" write 10.0 GiB of temporary files an hour.'],
  ],
  [
    'wrong checksums',
    { checksum_failures: 1 },
    ['critical Pages of database "Shop" were read whose checksum was wrong: there is damage on disk.'],
  ],
  ['no checksums', { checksum_failures: null }, []],
  ['the shared catalogues', { database: null, checksum_failures: 1, deadlocks: 1000 }, []],
])('judges %s', (_, more, expected) => {
  expect(claims(more)).toEqual(expected);
});

it('judges parallel workers of all databases together', () => {
  const some = { parallel_workers_to_launch: 6000, parallel_workers_launched: 5000 };
  const few = { parallel_workers_to_launch: 4000, parallel_workers_launched: 2000 };
  expect(claims(some, few)).toEqual([
    'notice Only 70 % of the parallel workers that plans count on could be launched.',
  ]);
  expect(claims(few)).toEqual([]);
  expect(claims(some, some)).toEqual([]);
  expect(claims({ parallel_workers_to_launch: null, parallel_workers_launched: null })).toEqual([]);
});

it.each([
  [8, 8, ['max_parallel_workers = 16', 'max_worker_processes = 16']],
  [32, 96, ['max_parallel_workers = 64']],
  [64, 96, ['max_parallel_workers = 128', 'max_worker_processes = 160']],
  [1024, 2000, []],
])('never advises fewer parallel workers than %i of %i', (max_parallel_workers, max_worker_processes, expected) => {
  const [finding] = judgeCounters(
    [{ ...row, parallel_workers_to_launch: 20_000, parallel_workers_launched: 5000 }],
    input,
    { service: null, limits: { max_parallel_workers, max_worker_processes } },
  );
  expect(finding?.next_step?.match(/max_\w+ = \d+/g) ?? []).toEqual(expected);
  expect(finding?.next_step?.includes('restart')).toBe(expected.length === 2);
});

it('gathers what many databases have', () => {
  expect(claims(...['a', 'b', 'c', 'd', 'e', 'f'].map((database) => ({ database, deadlocks: 1000 })))).toEqual([
    'notice 6 databases have many deadlocks.',
  ]);
});
