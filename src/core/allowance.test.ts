import { expect, it } from 'vitest';
import { createAllowances } from './allowance.ts';

it('begins full, is used up, and fills evenly', () => {
  let now = 0;
  const requests = createAllowances({ now: () => now });
  expect([1, 2, 3, 4, 5].map(() => requests.take('a', 3))).toEqual([2, 1, 0, -1, -1]);
  now += 20_000;
  expect([1, 2].map(() => requests.take('a', 3))).toEqual([0, -1]);
  now += 3_600_000;
  expect(requests.take('a', 3)).toBe(2);
});

it('gives each key its own', () => {
  const requests = createAllowances({ now: () => 0 });
  expect(['a', 'b', 'a', 'b'].map((key) => requests.take(key, 1))).toEqual([0, 0, -1, -1]);
});

it('can be overdrawn so far and no further, and is paid back at the same rate', () => {
  let now = 0;
  const failures = createAllowances({ deepest: 2, now: () => now });
  expect([1, 2, 3, 4, 5].map(() => failures.take('a', 1))).toEqual([0, -1, -2, -3, -3]);
  now += 60_000;
  expect(failures.take('a', 1)).toBe(-2);
});

it('holds what is left to a smaller number, when the number becomes smaller', () => {
  const calls = createAllowances({ now: () => 0 });
  expect(calls.take('a', 100)).toBe(99);
  expect([1, 2, 3].map(() => calls.take('a', 2))).toEqual([1, 0, -1]);
});

it('forgets the key that was longest unheard', () => {
  const requests = createAllowances({ keysKept: 2, now: () => 0 });
  for (const key of ['a', 'b', 'a', 'c']) requests.take(key, 1);
  expect(requests.take('a', 1)).toBe(-1);
  expect(requests.take('b', 1)).toBe(0);
});

it('tells what was taken since it was settled, less what has come back', () => {
  let now = 0;
  const allowances = createAllowances({ now: () => now });
  for (let i = 0; i < 30; i++) allowances.take('a', 60);
  allowances.take('b', 60);
  allowances.settle('b', 60, 10);
  expect(allowances.unsettled()).toEqual([{ key: 'a', perMinute: 60, taken: 30 }]);
  now += 10_000;
  expect(allowances.unsettled()).toEqual([{ key: 'a', perMinute: 60, taken: 20 }]);
  expect(allowances.take('b', 60)).toBe(19);
});
