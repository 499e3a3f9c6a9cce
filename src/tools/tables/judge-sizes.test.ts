import { expect, it } from 'vitest';
import { judgeSizes, unknownSizes } from './judge-sizes.ts';
import type { SizeRow } from './size-row.ts';

const MIB = 1_048_576;
const row: SizeRow = {
  schema: 'public',
  table: 'orders',
  kind: 'table',
  persistence: 'permanent',
  size: 300 * MIB,
  database_percent: 90,
  table_size: 190 * MIB,
  map_size: MIB,
  toast_size: 9 * MIB,
  index_size: 100 * MIB,
  indexes: 3,
  index_percent: 50,
  rows: 10_000,
  row_size: 20_866,
  partitions: null,
  size_estimated: false,
};
const input = { max_index_percent: 200, max_toast_percent: 90, min_size: 100 * MIB };
const judge = (...rows: Partial<SizeRow>[]) =>
  judgeSizes(
    rows.map((more) => ({ ...row, ...more })),
    { input, about: null },
  );

it.each<[string, Partial<SizeRow>, string[]]>([
  ['is most of its database', { database_percent: 99 }, []],
  ['has indexes of twice its size', { index_percent: 200 }, []],
  [
    'has indexes of more than that',
    { index_percent: 201 },
    ['The indexes of "public"."orders" take 201 % of what the table itself takes.'],
  ],
  ['has such indexes and is small', { index_percent: 900, size: 100 * MIB - 1 }, []],
  ['has such indexes by an estimate', { index_percent: 900, size_estimated: true }, []],
  ['has no rows to compare with', { index_percent: null, size: null, table_size: null }, []],
  ['is TOAST to nine tenths', { table_size: 9 * MIB, map_size: MIB, toast_size: 90 * MIB }, []],
  [
    'is TOAST to more than that',
    { table_size: 4 * MIB, map_size: MIB, toast_size: 95 * MIB },
    ['95 % of "public"."orders" are long values that are kept apart (TOAST).'],
  ],
])('judges a table that %s', (_, more, claims) => {
  expect(judge(more).map(({ claim }) => claim)).toEqual(claims);
});

it('lists the indexes of all partitions', () => {
  const [finding] = judge({ kind: 'partitioned_table', partitions: 12, index_percent: 300 });
  expect(finding?.next_step).toContain(`IN (SELECT relid FROM pg_partition_tree('"public"."orders"'))`);
});

it('makes one finding of many tables', () => {
  const rows = Array.from({ length: 8 }, (_, n) => ({ table: `t${n}`, index_percent: 300 }));
  expect(judge(...rows)).toMatchObject([
    { claim: '8 tables have indexes that are much larger than they are.', evidence: { count: 8 } },
  ]);
});

it.each([
  [1024 * MIB, 2047 * MIB, 1],
  [1024 * MIB, 2048 * MIB, 0], // half of it
  [1024 * MIB - 1, 1100 * MIB, 0],
  [null, 5000 * MIB, 0],
])('of %s bytes beside the tables in a database of %s makes %s findings', (other_size, database_size, count) => {
  const about = { database_size, total_size: 0, total_estimated: false, other_size };
  expect(judgeSizes([], { input, about })).toHaveLength(count);
});

it('names ten that are locked, and says how many more are', () => {
  const locked = Array.from({ length: 12 }, (_, n) => ({ ...row, table: `t${n}`, size_estimated: true }));
  expect(unknownSizes(locked, null, false)[0]?.what).toMatch(/^the exact size of .*"t9" and 2 more$/);
  expect(unknownSizes(locked.slice(2), null, false)[0]?.what).toMatch(/"t11"$/);
});

it('misses the sizes of unlogged tables on a standby only', () => {
  const unlogged = [{ ...row, persistence: 'unlogged' as const }, row];
  expect(unknownSizes(unlogged, null, false)).toEqual([]);
  expect(unknownSizes(unlogged, null, true)).toMatchObject([{ what: 'the size of 1 unlogged table' }]);
});
