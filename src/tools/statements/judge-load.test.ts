import { expect, it } from 'vitest';
import { judgeLoad } from './judge-load.ts';
import type { Costs } from './load-row.ts';

const totals: Costs = {
  calls: 1000,
  total_ms: 1_000_000,
  rows: 1000,
  read_size: 0,
  temp_size: 0,
  wal_size: 0,
  planning_ms: 60_000,
  jit_ms: 60_000,
};
const input = { max_jit_percent: 10, max_planning_percent: 50 };

it.each<[string, Partial<Costs>, string[]]>([
  ['an ordinary load', {}, []],
  ['much compiling', { jit_ms: 110_000 }, ['Compiling (JIT) takes 11 % of the time of all statements.']],
  ['compiling at the threshold', { jit_ms: 100_000 }, []],
  ['much compiling of little', { jit_ms: 59_999, total_ms: 100_000, planning_ms: 0 }, []],
  ['compiling that is not counted', { jit_ms: null }, []],
  [
    'more planning than running',
    { planning_ms: 1_500_000 },
    ['Planning takes 60 % of the time of all statements; prepared ones are planned less often.'],
  ],
  ['as much planning as running', { planning_ms: 1_000_000 }, []],
  ['planning that is not counted', { planning_ms: null }, []],
])('judges %s', (_, more, claims) => {
  expect(judgeLoad({ ...totals, ...more }, input, { service: null }).map((finding) => finding.claim)).toEqual(claims);
});

it('advises no ALTER SYSTEM where there is none', () => {
  const [finding] = judgeLoad({ ...totals, jit_ms: 500_000 }, input, { service: 'rds', jit_above_cost: 100_000 });
  expect(finding).toMatchObject({ object: '"jit_above_cost"', evidence: { jit_percent: 50 } });
  expect(finding?.next_step).not.toContain('ALTER SYSTEM SET');
});

it.each([
  [100_000, 'jit_above_cost = 1000000;'],
  [5_000_000, 'jit_above_cost = 10000000;'],
  [-1, undefined],
])('never advises to compile more than from a cost of %i on', (jit_above_cost, expected) => {
  const [finding] = judgeLoad({ ...totals, jit_ms: 500_000 }, input, { service: null, jit_above_cost });
  expect(finding?.next_step?.match(/jit_above_cost = .*/)?.[0]).toBe(expected);
});
