import { expect, it } from 'vitest';
import foreignKeys from './foreign-keys-without-index.ts';

type Row = Parameters<typeof foreignKeys.findings>[0][number];
type Evidence = Parameters<typeof foreignKeys.findings>[1];

const row: Row = {
  schema: 'shop',
  table: 'Lines',
  constraint: 'lines_order_fkey',
  columns: ['order id', 'no'],
  referenced_schema: 'shop',
  referenced_table: 'Order',
  referenced_columns: ['id', 'no'],
  on_delete: 'cascade',
  on_update: 'no action',
  rows: 160_000,
  size: 8_388_608,
  referenced_size: 4_194_304,
  size_estimated: false,
  partitions: null,
  partitions_without: null,
};
const evidence = { input: { min_rows: 1000, warn_size: 4_194_304 } } as Evidence;
const judge = (more: Partial<Row>) => foreignKeys.findings([{ ...row, ...more }], evidence);

it('names a key, how much each delete reads, and the index that it lacks', () => {
  expect(judge({})).toEqual([
    {
      severity: 'warning',
      claim: 'No index serves the foreign key "lines_order_fkey" of "shop"."Lines".',
      object: '"shop"."Lines"',
      evidence: {
        referenced: '"shop"."Order"',
        size: 8_388_608,
        referenced_size: 4_194_304,
        rows: 160_000,
        on_delete: 'cascade',
        on_update: 'no action',
      },
      why: 'https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK',
      next_step: 'CREATE INDEX CONCURRENTLY ON "shop"."Lines" ("order id", "no");',
    },
  ]);
});

it.each([
  [4_194_304, 'warning'],
  [4_194_303, 'notice'],
  [0, 'notice'],
])('finds a table of %i bytes worth a %s', (size, severity) => {
  expect(judge({ size })).toMatchObject([{ severity }]);
});

it('leaves it to a person to lock out the writes of a partitioned table', () => {
  expect(judge({ partitions: 12, partitions_without: 3 })).toMatchObject([
    {
      evidence: { partitions: 12, partitions_without: 3 },
      next_step: expect.stringMatching(
        /^-- beside the writes: CREATE INDEX CONCURRENTLY on each .*\n-- all at once, .*: CREATE INDEX ON "shop"\."Lines" \("order id", "no"\);$/,
      ),
    },
  ]);
});
