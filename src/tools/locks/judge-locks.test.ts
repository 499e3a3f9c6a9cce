import { expect, it } from 'vitest';
import { judgeLockTable } from './judge-locks.ts';

const table = {
  locked_objects: 700,
  places: 1000,
  percent: 70,
  max_locks_per_transaction: 64,
  weak_locks: 400,
  weak_lock_holders: 4,
  lock_table_waiters: 0,
};

it.each([
  [{ percent: 69.9 }, []],
  [{ percent: 70 }, ['warning']],
  [{ percent: 89.9 }, ['warning']],
  [{ percent: 90 }, ['critical']],
  [{ percent: null }, []],
  [{ percent: 1, lock_table_waiters: 2 }, []],
  [{ percent: 1, lock_table_waiters: 3 }, ['warning']],
  [{ percent: 1, lock_table_waiters: 3, weak_locks: 0 }, []],
  [{ percent: 1, lock_table_waiters: null }, []],
])('judges the lock table %o', (change, severities) => {
  expect(judgeLockTable({ ...table, ...change }, 70, null).map(({ severity }) => severity)).toEqual(severities);
});

it('looks for who holds so many before it advises more of them', () => {
  const [finding] = judgeLockTable(table, 70, null);
  expect(finding?.next_step).toMatch(/^SELECT pid, [^]*\nALTER SYSTEM SET max_locks_per_transaction = 128; -- /);
  expect(judgeLockTable(table, 70, 'rds')[0]?.next_step).not.toContain('ALTER SYSTEM SET');
  expect(judgeLockTable(undefined, 70, null)).toEqual([]);
});
