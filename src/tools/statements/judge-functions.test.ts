import { expect, it } from 'vitest';
import type { FunctionRow } from './function-row.ts';
import { judgeFunctions, notTracked } from './judge-functions.ts';

const row: FunctionRow = {
  schema: 'shop',
  function: 'Total',
  arguments: 'order_id bigint',
  language: 'plpgsql',
  calls: 10,
  total_ms: 30_000,
  self_ms: 20_000,
  mean_ms: 3000,
  mean_self_ms: 2000,
  self_percent: 50,
};

it.each<[string, Partial<FunctionRow>, number]>([
  ['a slow one', {}, 1],
  ['one that was slow a few times', { calls: 9 }, 0],
  ['one at the threshold', { mean_self_ms: 1000 }, 0],
  ['one that only calls a slow one', { mean_self_ms: 1, mean_ms: 5000 }, 0],
])('judges %s', (_, more, findings) => {
  expect(judgeFunctions([{ ...row, ...more }], 1000)).toHaveLength(findings);
});

it('names the function by its signature', () => {
  expect(judgeFunctions([row], 1000)).toMatchObject([
    {
      severity: 'notice',
      claim: '"shop"."Total"(order_id bigint) takes 2000 ms on average, over 10 calls.',
      object: '"shop"."Total"',
    },
  ]);
});

function gaps(track_functions: 'none' | 'pl' | 'all') {
  return notTracked({ track_functions, counted_since: null }, { service: null }).map(({ what, remedy }) => [
    what,
    remedy,
  ]);
}

it('says what the setting leaves out, and how to change it', () => {
  expect(gaps('none')).toEqual([
    ['calls of functions', expect.stringContaining('ALTER SYSTEM SET track_functions = pl;')],
  ]);
  expect(gaps('pl')).toEqual([
    ['calls of functions in SQL and C', expect.stringContaining("ALTER SYSTEM SET track_functions = 'all';")],
  ]);
  expect(gaps('all')).toEqual([]);
});
