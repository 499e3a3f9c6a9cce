import { expect, it } from 'vitest';
import type { Candidate } from './candidate.ts';
import { selectIndexes, type Budget, type CostOf } from './select.ts';
import type { AdvisedTable } from './tables.ts';

const table: AdvisedTable = {
  oid: '1',
  schema: 's',
  name: 't',
  kind: 'table',
  rows: 1000,
  size: 1000,
  columns: [],
  indexes: [],
  writes: null,
};

function on(...columns: readonly string[]): Candidate {
  const keys = columns.map((text) => ({
    text,
    columns: [text],
    isExpression: false,
    isDescending: false,
    nullsFirst: false,
  }));
  return { table, method: 'btree', keys, equalities: 0, include: [], predicate: undefined, purpose: '' };
}

const [a, ab, b] = [on('a'), on('a', 'b'), on('b')];
const statements = [
  { calls: 10, candidates: [a, ab] },
  { calls: 1, candidates: [b] },
];

/** The first statement costs 100, or 20 with an index on a, or 10 with one on (a, b); the second 100, or 50 with one on b. */
const costOf: CostOf = (statement, indexes) => {
  const uses =
    statement === 1
      ? indexes.filter((each) => each === b)
      : [ab, a].filter((each) => indexes.includes(each)).slice(0, 1);
  const cost = statement === 1 ? (uses.length > 0 ? 50 : 100) : uses[0] === ab ? 10 : uses[0] === a ? 20 : 100;
  return Promise.resolve({ cost, uses });
};

const budget: Budget = {
  bytes: 1000,
  sizeOf: ({ keys }) => keys.length * 10,
  upkeepOf: () => 0,
  tableBytes: 1000,
  minGain: 0.01,
  leastGain: 0,
  isOver: () => false,
};

it('takes what saves most, and nothing that another makes needless', async () => {
  const selection = await selectIndexes(statements, costOf, budget);
  expect(selection).toEqual({ chosen: [ab, b], before: [100, 100], after: [10, 50], cutShort: false });
});

it('keeps to the room that there is', async () => {
  expect((await selectIndexes(statements, costOf, { ...budget, bytes: 20 })).chosen).toEqual([ab]);
  expect((await selectIndexes(statements, costOf, { ...budget, bytes: 10 })).chosen).toEqual([a]);
  expect((await selectIndexes(statements, costOf, { ...budget, bytes: 0 })).chosen).toEqual([]);
});

it('takes none whose upkeep costs more than it saves, or that saves too little', async () => {
  expect(
    (await selectIndexes(statements, costOf, { ...budget, upkeepOf: (each) => (each === b ? 60 : 0) })).chosen,
  ).toEqual([ab]);
  expect((await selectIndexes(statements, costOf, { ...budget, leastGain: 60 })).chosen).toEqual([ab]);
});

it('ends where time ran out, and says so', async () => {
  expect(await selectIndexes(statements, costOf, { ...budget, isOver: () => true })).toEqual({
    chosen: [],
    before: [100, 100],
    after: [100, 100],
    cutShort: true,
  });
});
