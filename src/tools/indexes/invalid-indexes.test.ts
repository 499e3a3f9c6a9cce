import { describe, expect, it } from 'vitest';
import invalidIndexes from './invalid-indexes.ts';

type Row = Parameters<typeof invalidIndexes.findings>[0][number];
type Evidence = Parameters<typeof invalidIndexes.findings>[1];

const row: Row = {
  schema: 'public',
  table: 'orders',
  index: 'Orders "at"',
  cause: 'failed_build',
  valid: false,
  ready: true,
  live: true,
  unique: false,
  definition: 'CREATE INDEX …',
  size: 8192,
  size_estimated: false,
  backs_constraint: null,
  exclusion: false,
  same_as: null,
  attached: false,
  partitions_without: null,
  first_without: null,
  toast_of: null,
};
const judge = (more: Partial<Row>, inRecovery = false) =>
  invalidIndexes.findings([{ ...row, ...more }], { facts: { inRecovery } } as Evidence);
const NAME = '"public"."Orders ""at"""';

it('names an index whose build failed, and how to mend it', () => {
  expect(judge({})).toEqual([
    {
      severity: 'warning',
      claim: `${NAME} is invalid: a concurrent build or drop of it did not finish. No query uses it, and every write maintains it.`,
      object: NAME,
      evidence: { valid: false, ready: true, live: true, size: 8192 },
      why: 'https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY',
      next_step: `REINDEX INDEX CONCURRENTLY ${NAME}; -- or, when it is not wanted: DROP INDEX CONCURRENTLY ${NAME};`,
    },
  ]);
});

it('does not say that writes maintain what they do not', () => {
  expect(judge({ ready: false })[0]?.claim).toMatch(/No query uses it\.$/);
});

it('is no warning on a standby, where it may be in the making', () => {
  expect(judge({}, true)).toMatchObject([{ severity: 'notice' }]);
});

describe('the next step', () => {
  const REINDEX = `REINDEX INDEX CONCURRENTLY ${NAME};`;
  const DROP = `DROP INDEX CONCURRENTLY ${NAME};`;
  it.each<[string, Partial<Row>, string]>([
    ['drops what a failed REINDEX left', { cause: 'reindex_new' }, `${DROP} -- then REINDEX again`],
    ['drops what REINDEX could not drop', { cause: 'reindex_old', live: false }, DROP],
    ['ends a drop', { cause: 'unfinished_drop', live: false }, DROP],
    ['drops what another index replaces', { same_as: 'orders_at_2' }, DROP],
    [
      'warns that rows must be unique',
      { unique: true },
      `-- fails again while two rows have the same key\n${REINDEX} -- or, when it is not wanted: ${DROP}`,
    ],
    ['drops no index of a constraint', { backs_constraint: 'orders_pkey', same_as: 'x' }, REINDEX],
    ['drops no part of an index', { attached: true, same_as: 'x' }, REINDEX],
    ['drops no index of a TOAST table', { toast_of: 'public.orders' }, REINDEX],
  ])('%s', (_, more, next_step) => {
    expect(judge(more)).toMatchObject([{ next_step }]);
  });
});

it('says what queries wait for where a rebuild cannot be concurrent, and leaves it to a person', () => {
  expect(judge({ exclusion: true, backs_constraint: 'x' })[0]?.next_step).toBe(
    `-- SET lock_timeout = '2s'; REINDEX INDEX ${NAME}; locks out writes, and takes ACCESS EXCLUSIVE on the index until it is built, for which nearly every query of the table waits when it is planned`,
  );
});

it.each<[number, string | null, string, string]>([
  [
    1,
    'public.p1',
    '1 partition of its table has no index attached to it',
    '-- for public.p1: CREATE INDEX CONCURRENTLY …',
  ],
  [
    7,
    'public.p1',
    '7 partitions of its table have no index attached to it',
    '-- for public.p1 and each of the others: CREATE INDEX CONCURRENTLY …',
  ],
  [0, null, 'one was invalid when it was attached', '-- make the indexes of its partitions valid first'],
])('notes the parent of partitions, of which %i lack a part', (partitions_without, first_without, claim, next_step) => {
  expect(judge({ cause: 'partitioned', size: null, partitions_without, first_without })).toMatchObject([
    { severity: 'notice', claim: expect.stringContaining(claim), next_step: expect.stringContaining(next_step) },
  ]);
});

it('says once that many are invalid', () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ ...row, index: `i${i}` }));
  expect(invalidIndexes.findings(many, { facts: { inRecovery: false } } as Evidence)).toMatchObject([
    { claim: '12 indexes are invalid.', evidence: { count: 12 } },
  ]);
});
