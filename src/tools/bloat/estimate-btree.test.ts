import { describe, expect, it } from 'vitest';
import type { Btree } from './btree.ts';
import { estimateBtree } from './estimate-btree.ts';

/** PostgreSQL builds such an index of 100,000 integers with 276 pages. */
const btree: Btree = {
  oid: 1,
  schema: 'public',
  table: 'orders',
  index: 'orders_pkey',
  size: 276 * 8192,
  size_estimated: false,
  pages: 276,
  rows: 100_000,
  fillfactor: 90,
  unique: true,
  exclusion: false,
  backs_constraint: null,
  columns: [['i', 4, 4, 0, -1]],
  visible: true,
  deduplicates: false,
  block_size: 8192,
  candidates: 1,
};
/** How many pages it takes the index to need. */
const pages = (change: Partial<Btree>) => {
  const large = { ...btree, ...change, pages: 10_000, size: 10_000 * 8192 };
  return 10_000 - Number(estimateBtree(large).wasted) / 8192;
};

const key = (distinct: number | null): Btree['columns'][number] => ['i', 4, 4, 0, distinct];

describe('estimateBtree', () => {
  it('needs what a build takes', () => {
    expect(pages({})).toBeGreaterThan(270);
    expect(pages({})).toBeLessThan(280);
    expect(estimateBtree(btree).wasted).toBeLessThanOrEqual(8192);
  });

  it('is what rows that are gone would not take', () => {
    const { wasted } = estimateBtree({ ...btree, rows: 10_000 });
    expect(Number(wasted) / btree.size).toBeCloseTo(0.9, 1);
  });

  it('leaves the room that the fillfactor asks for, and gives nulls their place', () => {
    expect(pages({ fillfactor: 45 }) / pages({})).toBeCloseTo(2, 0);
    expect(pages({ columns: [['i', 4, 4, 0.5, -1]] })).toBeGreaterThan(pages({}));
  });

  it('stores equal keys once, where the index does', () => {
    const few = { columns: [['i', 4, 4, 0, 10]] } satisfies Partial<Btree>;
    expect(pages(few)).toBe(pages({}));
    // PostgreSQL 13 on builds it with 87 pages
    expect(pages({ ...few, deduplicates: true })).toBeGreaterThan(80);
    expect(pages({ ...few, deduplicates: true })).toBeLessThan(95);
  });

  it('takes columns for independent, and what is unknown for unlike', () => {
    const wide = { deduplicates: true, columns: [key(1000), key(1000)] };
    expect(pages(wide)).toBe(pages({ ...wide, deduplicates: false }));
    expect(pages({ deduplicates: true, columns: [key(null)] })).toBe(pages({}));
    expect(pages({ deduplicates: true, columns: [key(10), key(10)] })).toBeLessThan(pages(wide));
  });

  it.each<[string, Partial<Btree>, string]>([
    ['none was counted when it was smaller', { rows: 0, pages: 1 }, 'never_analyzed'],
    ['nobody has counted the rows', { rows: null }, 'never_analyzed'],
    ['a key has no statistics', { columns: [['i', 4, null, null, null]] }, 'no_statistics'],
    ['a key is hidden', { columns: [['i', 4, null, null, null]], visible: false }, 'not_visible'],
  ])('is unknown, and not nothing, where %s', (_, change, unknown) => {
    expect(estimateBtree({ ...btree, ...change })).toEqual({ wasted: null, unknown });
  });
});
