import { expect, it } from 'vitest';
import { createAllowances } from './allowance.ts';

it('begins full, is used up, and fills evenly', () => {
  let now = 0;
  const requests = createAllowances({ perMinute: 3 }, () => now);
  expect([1, 2, 3, 4, 5].map(() => requests.take('a'))).toEqual([2, 1, 0, -1, -1]);
  now += 20_000;
  expect([1, 2].map(() => requests.take('a'))).toEqual([0, -1]);
  now += 3_600_000;
  expect(requests.take('a')).toBe(2);
});

it('gives each network its own', () => {
  const requests = createAllowances({ perMinute: 1 }, () => 0);
  expect(['a', 'b', 'a', 'b'].map((network) => requests.take(network))).toEqual([0, 0, -1, -1]);
});

it('can be overdrawn so far and no further, and is paid back at the same rate', () => {
  let now = 0;
  const failures = createAllowances({ perMinute: 1, deepest: 2 }, () => now);
  expect([1, 2, 3, 4, 5].map(() => failures.take('a'))).toEqual([0, -1, -2, -3, -3]);
  now += 60_000;
  expect(failures.take('a')).toBe(-2);
});

it('forgets the network that was longest unheard', () => {
  const requests = createAllowances({ perMinute: 1, networksKept: 2 }, () => 0);
  for (const network of ['a', 'b', 'a', 'c']) requests.take(network);
  expect(requests.take('a')).toBe(-1);
  expect(requests.take('b')).toBe(0);
});
