import { expect, it } from 'vitest';
import { z } from 'zod';
import { comparePlans } from './compare-plans.ts';
import { judgePlan, planThresholds } from './judge-plan.ts';
import { renderPlan } from './plan-tree.ts';
import { readPlan } from './read-plan.ts';

type Json = Readonly<Record<string, unknown>>;

const scan: Json = {
  'Node Type': 'Seq Scan',
  Schema: 'shop',
  'Relation Name': 'orders',
  Alias: 'o',
  'Startup Cost': 0,
  'Total Cost': 100,
  'Plan Rows': 1000,
  'Plan Width': 8,
  'Actual Rows': 1000,
  'Actual Loops': 1,
  'Actual Total Time': 10,
};

function above(input: Json, node: Json): Json {
  return { ...scan, Schema: undefined, 'Relation Name': undefined, Alias: undefined, ...node, Plans: [input] };
}

function claimsOf(plan: Json, more: Json = {}): string[] {
  const thresholds = z.object(planThresholds).parse({});
  return judgePlan(readPlan([{ Plan: plan, ...more }]), { thresholds, rowsOf: () => undefined }).map(
    ({ claim }) => claim,
  );
}

it('finds nothing in a plan that went as it should', () => {
  expect(claimsOf(scan)).toEqual([]);
});

it('blames the node where an estimate went wrong first', () => {
  const wrong = { ...scan, 'Plan Rows': 10 };
  expect(claimsOf(above(wrong, { 'Node Type': 'Sort', 'Plan Rows': 10 }))).toEqual([
    'Seq Scan on "shop"."orders" o gave 100 times more rows than estimated.',
  ]);
});

it('takes no fault in what a LIMIT ends early, but in what it has to read whole', () => {
  const few = { ...scan, 'Plan Rows': 1_000_000 };
  expect(claimsOf(above(few, { 'Node Type': 'Limit' }))).toEqual([]);
  expect(
    claimsOf(above(above(few, { 'Node Type': 'Sort', 'Plan Rows': 1000 }), { 'Node Type': 'Limit' })),
  ).toHaveLength(1);
  expect(claimsOf(above({ ...scan, 'Plan Rows': 10 }, { 'Node Type': 'Limit' }))).toHaveLength(1);
  const topOfSort = above(scan, { 'Node Type': 'Sort', 'Plan Rows': 100_000, 'Actual Rows': 5 });
  expect(claimsOf(topOfSort)).toHaveLength(1);
  expect(claimsOf(above(topOfSort, { 'Node Type': 'Limit', 'Plan Rows': 5, 'Actual Rows': 5 }))).toEqual([]);
});

it('sees hashes in batches, lossy bitmaps, missing workers and JIT', () => {
  expect(claimsOf(above(scan, { 'Node Type': 'Hash', 'Hash Batches': 8, 'Peak Memory Usage': 4096 }))).toEqual([
    'Hash needs 8 batches by way of the disk.',
  ]);
  const bitmap = { ...scan, 'Node Type': 'Bitmap Heap Scan', 'Exact Heap Blocks': 100, 'Lossy Heap Blocks': 300 };
  expect(claimsOf(bitmap)).toEqual([expect.stringMatching(/remembers 75 % of its pages only whole/)]);
  expect(claimsOf(above(scan, { 'Node Type': 'Gather', 'Workers Planned': 4, 'Workers Launched': 1 }))).toEqual([
    'Only 1 of 4 parallel workers were to be had.',
  ]);
  const jit = { JIT: { Functions: 12, Timing: { Total: 400 } }, 'Execution Time': 500, 'Planning Time': 1 };
  expect(claimsOf(scan, jit)).toEqual(['JIT compilation takes 400 ms, 80 % of the time.']);
  expect(claimsOf(scan, { ...jit, 'Execution Time': 50_000 })).toEqual([]);
});

it('counts the time of processes that ran beside each other once', () => {
  const below = { ...scan, 'Parallel Aware': true, 'Actual Loops': 4 };
  const gather = above(below, {
    'Node Type': 'Gather',
    'Workers Planned': 3,
    'Workers Launched': 3,
    'Actual Total Time': 12,
  });
  expect(readPlan([{ Plan: gather }]).root).toMatchObject({ time_ms: 12, inputs: [{ time_ms: 10, parallel: true }] });
});

it('draws one line of a condition whatever is in it', () => {
  const tree = renderPlan(readPlan([{ Plan: { ...scan, Filter: `(note = 'a\nb${'x'.repeat(500)}'::text)` } }]));
  expect(tree.split('\n')).toHaveLength(3);
  expect(tree.length).toBeLessThan(400);
});

it('compares how relations are read and joined', () => {
  const index = {
    ...scan,
    'Node Type': 'Index Scan',
    'Index Name': 'by_day',
    'Total Cost': 25,
    'Actual Total Time': 2.5,
  };
  const before = readPlan([{ Plan: above(scan, { 'Node Type': 'Hash Join', 'Join Type': 'Inner' }) }]);
  const after = readPlan([{ Plan: index }]);
  expect(comparePlans(before, after)).toEqual({
    cost: 100,
    other_cost: 25,
    cost_ratio: 0.25,
    time_ratio: 0.25,
    blocks_ratio: null,
    same_shape: false,
    access: [{ relation: 'orders o', before: 'Seq Scan', after: 'Index Scan using by_day' }],
    joins: { before: 'Hash Join', after: 'none' },
  });
});

it('reads no plan that is none, however deep', () => {
  let deep: Json = scan;
  for (let i = 0; i < 2000; i++) deep = above(deep, { 'Node Type': 'Sort' });
  for (const wrong of ['', '{', '[]', '{}', '[{"Plan": 3}]', [{ Plan: deep }], { root: { node: 'Sort' } }, null]) {
    expect(() => readPlan(wrong)).toThrow('no plan');
  }
});
