import { expect, it } from 'vitest';
import duplicateIndexes from './duplicate-indexes.ts';

type Row = Parameters<typeof duplicateIndexes.findings>[0][number];
type Evidence = Parameters<typeof duplicateIndexes.findings>[1];

const row: Row = {
  schema: 'shop',
  table: 'Order',
  index: 'order_customer_2',
  overlap: 'duplicate',
  kept: 'Order "customer"',
  definition: 'CREATE INDEX …',
  kept_definition: 'CREATE INDEX …',
  size: 16_384,
  kept_size: 8192,
  size_estimated: false,
  scans: 3,
  kept_scans: 40,
  table_writes: 4000,
  clustered: false,
  partitions: null,
};
const evidence = {} as Evidence;
const judge = (...rows: Partial<Row>[]) =>
  duplicateIndexes.findings(
    rows.map((more) => ({ ...row, ...more })),
    evidence,
  );

it('names a duplicate, the one to keep, and what it costs', () => {
  expect(judge({})).toEqual([
    {
      severity: 'warning',
      claim: '"shop"."order_customer_2" is a duplicate of "shop"."Order ""customer""".',
      object: '"shop"."order_customer_2"',
      evidence: {
        size: 16_384,
        kept_size: 8192,
        scans: 3,
        kept_scans: 40,
        table_writes: 4000,
      },
      why: 'https://www.postgresql.org/docs/current/indexes-multicolumn.html',
      next_step: 'DROP INDEX CONCURRENTLY "shop"."order_customer_2";',
    },
  ]);
});

it('only notes the first keys of a wider index, which may be slower to read', () => {
  expect(judge({ overlap: 'prefix' })).toMatchObject([
    {
      severity: 'notice',
      claim:
        '"shop"."order_customer_2" holds the first keys of "shop"."Order ""customer""", which serves the same queries.',
    },
  ]);
});

it('hands CLUSTER over to the one that stays', () => {
  expect(judge({ clustered: true })).toMatchObject([
    {
      evidence: { clustered: true },
      next_step:
        'ALTER TABLE "shop"."Order" CLUSTER ON "Order ""customer""";\nDROP INDEX CONCURRENTLY "shop"."order_customer_2";',
    },
  ]);
});

it('does not drop the index of a partitioned table concurrently, which PostgreSQL refuses', () => {
  expect(judge({ partitions: 3 })[0]?.next_step?.split('\n')).toEqual([
    "SET lock_timeout = '2s';",
    expect.stringMatching(/^DROP INDEX "shop"\."order_customer_2"; -- takes ACCESS EXCLUSIVE on the table/),
    'RESET lock_timeout;',
  ]);
});

it('gathers many, duplicates apart from prefixes', () => {
  const many = Array.from({ length: 6 }, (_, i) => [
    { index: `a${i}` },
    { index: `b${i}`, overlap: 'prefix' as const },
  ]).flat();
  expect(judge(...many)).toMatchObject([
    { severity: 'warning', claim: '6 indexes duplicate others.' },
    { severity: 'notice', claim: '6 indexes hold only the first keys of others.' },
  ]);
});
