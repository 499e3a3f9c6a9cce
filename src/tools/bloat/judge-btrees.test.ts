import { describe, expect, it } from 'vitest';
import { judgeBtrees, otherKinds } from './judge-btrees.ts';
import { wastedOfPages } from './measure-btree.ts';

const MIB = 1_048_576;
const row = {
  schema: 'public',
  table: 'orders',
  index: 'Orders key',
  size: 200 * MIB,
  wasted: 100 * MIB,
  wasted_percent: 50,
  rows: 1000,
  fillfactor: 90,
  leaf_density: 45,
  leaf_fragmentation: 0,
  unique: true,
  backs_constraint: null,
  deduplicates: false,
  method: 'exact' as const,
  unknown: null,
  size_estimated: false,
  exclusion: false,
};
const limits = { min_wasted: 100 * MIB, max_percent: 50, pgstattuple: undefined };
const judge = (change: object) => judgeBtrees([{ ...row, ...change }], limits);

describe('judgeBtrees', () => {
  it('rebuilds beside its use what was measured, and says what room that takes', () => {
    expect(judge({})).toMatchObject([
      {
        severity: 'notice',
        object: '"public"."Orders key"',
        next_step:
          'REINDEX INDEX CONCURRENTLY "public"."Orders key"; -- takes some 100 MB for the new one beside the old',
      },
    ]);
  });

  it.each([
    ['small', { wasted: 100 * MIB - 1 }],
    ['half full, as random inserts leave it', { wasted_percent: 49.9 }],
    ['not known', { wasted: null, wasted_percent: null, method: null }],
  ])('leaves alone an index that is %s', (_, change) => {
    expect(judge(change)).toEqual([]);
  });

  it('measures first what is estimated', () => {
    const [finding] = judge({ method: 'estimated' });
    expect(finding?.claim).toMatch(/^About 50 %/);
    expect(finding?.next_step).toMatch(/^-- measures it first\nCREATE EXTENSION pgstattuple;\n/);
    expect(finding?.next_step).not.toMatch(/^REINDEX/m);
  });

  it('knows that an exclusion constraint cannot be reindexed concurrently', () => {
    expect(judge({ exclusion: true })[0]?.next_step).toMatch(
      /^-- SET lock_timeout = '2s'; REINDEX INDEX "public"."Orders key"; locks out writes, .* ACCESS EXCLUSIVE on the index .* takes some 100 MB/,
    );
  });
});

it('takes pages for wasted that leaves as full as the fillfactor has them would not need', () => {
  const pages = { size: 1021 * 8192, inner: 20, leaves: 1000, density: 45, fragmentation: 0 };
  expect(wastedOfPages(pages, { block_size: 8192, fillfactor: 90 })).toBe((500 + 10) * 8192);
  expect(wastedOfPages({ ...pages, density: 90 }, { block_size: 8192, fillfactor: 90 })).toBe(0);
  expect(wastedOfPages({ ...pages, leaves: 0, inner: 0, density: null }, { block_size: 8192, fillfactor: 90 })).toBe(
    1020 * 8192,
  );
});

it('says which kinds of indexes are not estimated', () => {
  expect(otherKinds([])).toEqual([]);
  expect(otherKinds([{ kind: 'gin', indexes: 2, size: 5 * MIB }])).toMatchObject([
    { what: expect.stringContaining('2 gin (5 MB)') },
  ]);
});
