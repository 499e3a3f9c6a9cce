import type { Btree } from './btree.ts';
import { countedRows, type Estimate } from './estimate-heap.ts';
import { LINE_POINTER, PAGE_HEADER, someNull, widthOf, type StoredColumn } from './row-layout.ts';

/** https://www.postgresql.org/docs/current/btree.html#BTREE-STRUCTURE: links to the neighbours, at the end of each page. */
const SPECIAL = 16;
const TUPLE_HEADER = 8;
/** With a null, a bitmap for 32 columns, up to a whole word. */
const NULL_BITMAP = 8;
/** Equal keys are stored once with a list of rows, which a build of the index lets grow up to a tenth of a page. */
const LONGEST_LIST = 0.1;
const ROW_POINTER = 6;
/** Of pages above the leaves. */
const INNER_FILL = 0.7;

interface Key extends StoredColumn {
  /** As pg_stats has it: a number, or below 0 a share of the rows; null where it is unknown. */
  readonly n_distinct: number | null;
}

/** What it would not take if it were built anew, as estimateHeap() does it. */
export function estimateBtree(btree: Btree): Estimate {
  const { pages, size, visible } = btree;
  const rows = countedRows(btree);
  if (rows === null) return { wasted: null, unknown: 'never_analyzed' };
  // the page about the tree stays
  if (rows === 0) return { wasted: Math.round(size * (1 - 1 / pages)), unknown: null };
  const keys = btree.columns.flatMap(readKey);
  if (keys.length < btree.columns.length) {
    return { wasted: null, unknown: visible ? 'no_statistics' : 'not_visible' };
  }
  return { wasted: Math.round(size * (1 - Math.min(pagesOf(btree, keys, rows) / pages, 1))), unknown: null };
}

function pagesOf({ block_size, fillfactor, deduplicates }: Btree, keys: readonly Key[], rows: number): number {
  const tuple = TUPLE_HEADER + someNull(keys) * NULL_BITMAP + widthOf(keys) + LINE_POINTER;
  // which also holds the highest key of its own
  const room = block_size - PAGE_HEADER - SPECIAL - tuple - block_size * (1 - fillfactor / 100);
  const bytes = deduplicates ? deduplicated(rows, { keys, tuple, block_size }) : rows * tuple;
  const leaves = Math.ceil(bytes / Math.max(room, tuple));
  // and a page about the tree
  return 1 + leaves + Math.floor((leaves * tuple) / (block_size * INNER_FILL));
}

interface Tuples {
  readonly keys: readonly Key[];
  readonly tuple: number;
  readonly block_size: number;
}

/** Keys of several columns are taken to be independent, which makes more of them, and so a larger index, than there may be. */
function deduplicated(rows: number, { keys, tuple, block_size }: Tuples): number {
  const distinct = keys.reduce((all, key) => all * distinctOf(key, rows), 1);
  const each = rows / Math.min(distinct, rows);
  if (each < 2) return rows * tuple;
  const lists = Math.ceil(each / Math.max(Math.floor((block_size * LONGEST_LIST - tuple) / ROW_POINTER), 1));
  return (rows / each) * (lists * tuple + each * ROW_POINTER);
}

function distinctOf({ n_distinct, null_frac }: Key, rows: number): number {
  if (n_distinct === null || n_distinct === 0) return rows;
  const values = n_distinct > 0 ? n_distinct : -n_distinct * rows;
  return Math.max(values + (null_frac > 0 ? 1 : 0), 1);
}

function readKey([align, length, width, null_frac, n_distinct]: Btree['columns'][number]): Key[] {
  return width === null || null_frac === null ? [] : [{ align, length, width, null_frac, n_distinct }];
}
