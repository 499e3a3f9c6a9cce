import { describe, expect, it } from 'vitest';
import { estimateHeap, estimateToast } from './estimate-heap.ts';
import type { Heap } from './heap.ts';

/** 2,000 rows of 236 bytes fill 59 pages of the 590 that there are. */
const heap: Heap = {
  oid: 1,
  toast_oid: null,
  schema: 'public',
  table: 'orders',
  kind: 'table',
  size: 590 * 8192,
  toast_size: 0,
  heap: true,
  size_estimated: false,
  pages: 590,
  rows: 2000,
  all_visible: 0,
  toast_pages: 0,
  toast_chunks: null,
  dead_rows: 0,
  fillfactor: 100,
  attributes: 2,
  columns: [
    ['i', 4, 4, 0],
    ['i', -1, 204, 0],
  ],
  visible: true,
  last_vacuum: null,
  block_size: 8192,
  candidates: 1,
};

describe('estimateHeap', () => {
  it('is what rows written anew would not take', () => {
    expect(estimateHeap(heap)).toEqual({ wasted: 531 * 8192, unknown: null });
  });

  it('leaves the room that the fillfactor asks for', () => {
    expect(estimateHeap({ ...heap, fillfactor: 50 })).toEqual({ wasted: 472 * 8192, unknown: null });
  });

  it('takes a table that has grown since for as dense as it was', () => {
    expect(estimateHeap({ ...heap, size: 1180 * 8192 })).toEqual({ wasted: 1062 * 8192, unknown: null });
  });

  it('is never less than nothing, and all of it where no row is left', () => {
    expect(estimateHeap({ ...heap, rows: 100_000 }).wasted).toBe(0);
    expect(estimateHeap({ ...heap, rows: 0, columns: [] }).wasted).toBe(heap.size);
  });

  it.each<[string, Partial<Heap>, string]>([
    ['none was counted when it was smaller', { rows: 0, pages: 1 }, 'never_analyzed'],
    ['nobody has counted the rows', { rows: null, pages: 0 }, 'never_analyzed'],
    ['it is no heap', { heap: false }, 'access_method'],
    ['a column has no statistics', { columns: [['i', 4, null, null]] }, 'no_statistics'],
    ['a column is hidden', { columns: [['i', 4, null, null]], visible: false }, 'not_visible'],
  ])('is unknown, and not nothing, where %s', (_, change, unknown) => {
    expect(estimateHeap({ ...heap, ...change })).toEqual({ wasted: null, unknown });
  });
});

describe('estimateToast', () => {
  const toast = { ...heap, toast_size: 100 * 8192, toast_pages: 100, toast_chunks: 40 };

  it('is what full chunks would not take', () => {
    expect(estimateToast(toast)).toBe(90 * 8192);
    expect(estimateToast({ ...toast, toast_chunks: 1000 })).toBe(0);
  });

  it('is unknown before the first VACUUM, and nothing where there is no TOAST', () => {
    expect(estimateToast({ ...toast, toast_chunks: null })).toBeNull();
    expect(estimateToast(heap)).toBe(0);
  });
});
