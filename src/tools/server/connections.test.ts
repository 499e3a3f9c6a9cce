import { expect, it } from 'vitest';
import { judgeConnections, judgeOldestTransaction } from './connections.ts';

const connections = {
  max: 100,
  reserved: 3,
  used: 10,
  used_percent: 10.3,
  active: 1,
  idle: 9,
  idle_in_transaction: 0,
  waiting_for_lock: 0,
};

it.each([
  [79.9, []],
  [80, ['warning']],
  [95, ['critical']],
  [null, []],
])('judges %s %% of connections taken', (used_percent, severities) => {
  expect(judgeConnections({ ...connections, used_percent }, 80).map(({ severity }) => severity)).toEqual(severities);
});

it('reports an old transaction', () => {
  const oldest = { pid: 7, user: 'app', database: 'shop', state: 'active', transaction_s: 600, xmin_age: 5 };
  expect(judgeOldestTransaction(oldest, 600)).toEqual([]);
  expect(judgeOldestTransaction({ ...oldest, transaction_s: 601 }, 600)).toEqual([
    expect.objectContaining({ object: 'pid 7' }),
  ]);
  expect(judgeOldestTransaction(undefined, 600)).toEqual([]);
});
