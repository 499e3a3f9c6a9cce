import { expect, it } from 'vitest';
import type { CollationRow } from './collation.ts';
import { judgeCollations, unknownCollations } from './judge-collations.ts';

const changed: CollationRow = {
  kind: 'collation',
  schema: 'public',
  collation: 'de',
  provider: 'icu',
  locale: 'de',
  state: 'changed',
  recorded_version: '1',
  actual_version: '2',
  indexes: 1,
  index_size: 8192,
  partition_keys: 0,
  first_indexes: [],
};
const claims = (...rows: Partial<CollationRow>[]) =>
  judgeCollations(
    rows.map((row) => ({ ...changed, ...row })),
    false,
  ).map(({ severity, claim }) => `${severity}: ${claim}`);

it.each([
  [{}, ['warning: The collation "public"."de" has changed since 1 index was built by it: they may miss rows.']],
  [
    { indexes: 2 },
    ['warning: The collation "public"."de" has changed since 2 indexes were built by it: they may miss rows.'],
  ],
  [{ indexes: 0 }, []],
  [
    { indexes: 0, partition_keys: 1 },
    [
      'warning: The collation "public"."de", by which tables are partitioned, has changed: rows may be in the wrong partition.',
    ],
  ],
  [{ state: 'same' }, []],
  [{ state: 'unknown' }, []],
  [
    { kind: 'database', collation: 'shop', indexes: 0 },
    [
      'warning: The collation of database "shop" has changed since its indexes were built; those over text may miss rows.',
    ],
  ],
] as const)('judges %o', (row, expected) => {
  expect(claims(row)).toEqual(expected);
});

it('advises no REINDEX on a standby', () => {
  const steps = [changed, { ...changed, kind: 'database' as const }].map(
    (row) => judgeCollations([row], true)[0]?.next_step,
  );
  for (const step of steps) expect(step).toMatch(/^-- the primary orders/);
});

it.each([
  [
    { kind: 'database', collation: 'shop' },
    14,
    'PostgreSQL records the version of the collation of a database from 15 on.',
  ],
  [{ kind: 'database', collation: 'shop' }, 15, 'No version of it was recorded.'],
  [{ actual_version: null }, 14, 'Its library does not tell its version.'],
] as const)('does not take what is unknown for fine: %o on %i', (row, major, reason) => {
  const unknown = { ...changed, state: 'unknown' as const, recorded_version: null, ...row };
  expect(unknownCollations([unknown], major)).toMatchObject([{ reason }]);
  expect(unknownCollations([{ ...unknown, indexes: 0 }], major)).toEqual([]);
  expect(unknownCollations([{ ...unknown, state: 'never changes' }], major)).toEqual([]);
});
