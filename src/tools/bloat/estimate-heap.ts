import type { Heap } from './heap.ts';
import { mostToastPages, pagesFor, rowSize, type StoredColumn } from './row-layout.ts';

/** Why there is no estimate. */
export const UNKNOWN = ['never_analyzed', 'no_statistics', 'not_visible', 'access_method'] as const;
export type Unknown = (typeof UNKNOWN)[number];

export interface Estimate {
  /** Bytes that the table would not take if its rows were written anew; null where nobody can tell. */
  readonly wasted: number | null;
  readonly unknown: Unknown | null;
}

type Counted = Pick<Heap, 'rows' | 'pages' | 'size' | 'block_size'>;

/**
 * By the pages and rows that VACUUM or ANALYZE has counted together, applied to the size of now: they tell how densely
 * the table is filled, and a table that has grown since is likely to be as dense.
 */
export function estimateHeap(heap: Heap): Estimate {
  const { pages, size, attributes, visible } = heap;
  if (!heap.heap) return { wasted: null, unknown: 'access_method' };
  const rows = countedRows(heap);
  if (rows === null) return { wasted: null, unknown: 'never_analyzed' };
  const columns = heap.columns.flatMap(readColumn);
  if (rows > 0 && columns.length < heap.columns.length) {
    return { wasted: null, unknown: visible ? 'no_statistics' : 'not_visible' };
  }
  const needed = rows === 0 ? 0 : pagesFor(rows, rowSize(columns, attributes), heap);
  return { wasted: wastedOf(size, needed, pages), unknown: null };
}

/** Null where nobody has counted, or found none when there was less of it than now: that tells nothing of how dense it is. */
export function countedRows({ rows, pages, size, block_size }: Counted): number | null {
  return pages === 0 || (rows === 0 && size > pages * block_size) ? null : rows;
}

/** At least: how long the chunks are that end a value is not known. Null before the first VACUUM of the TOAST. */
export function estimateToast({ toast_chunks, toast_pages, toast_size }: Heap): number | null {
  if (toast_size === 0) return 0;
  if (toast_chunks === null || toast_pages === 0) return null;
  return wastedOf(toast_size, mostToastPages(toast_chunks), toast_pages);
}

function wastedOf(size: number, needed: number, pages: number): number {
  return Math.round(size * (1 - Math.min(needed / pages, 1)));
}

function readColumn([align, length, width, null_frac]: Heap['columns'][number]): StoredColumn[] {
  return width === null || null_frac === null ? [] : [{ align, length, width, null_frac }];
}
