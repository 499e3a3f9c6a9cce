import { z } from 'zod';
import { estimateHeap, estimateToast, UNKNOWN } from './estimate-heap.ts';
import type { Heap } from './heap.ts';
import type { MeasuredHeap } from './measure-heap.ts';

const bytes = z.int().min(0);
const percent = z.number().nullable().meta({ unit: 'percent' });
export const METHODS = ['estimated', 'approximate', 'exact'] as const;

export const tableRow = z.object({
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  kind: z.enum(['table', 'partition', 'materialized_view']),
  size: bytes.meta({ unit: 'bytes' }).describe('Of the table without TOAST and indexes.'),
  wasted: bytes
    .nullable()
    .meta({ unit: 'bytes' })
    .describe('What its live rows would not take if they were written anew, by its fillfactor; new rows may take it.'),
  wasted_percent: percent,
  toast_size: bytes.meta({ unit: 'bytes' }),
  toast_wasted: bytes
    .nullable()
    .meta({ unit: 'bytes' })
    .describe('At least, where it is estimated; null before the first VACUUM of the TOAST.'),
  dead_rows: bytes.nullable().describe('That VACUUM has not come for yet.'),
  dead_percent: percent.describe('Of live and dead rows together.'),
  rows: bytes.nullable().describe('As of the last VACUUM or ANALYZE.'),
  fillfactor: z.int(),
  method: z.enum(METHODS).nullable().describe('How wasted was found; null where it is unknown.'),
  unknown: z.enum(UNKNOWN).nullable().describe('Why it is.'),
  size_estimated: z.boolean().describe('A lock kept the sizes from us: they are those of the last VACUUM or ANALYZE.'),
  last_vacuum: z.iso.datetime().nullable().describe('Also by autovacuum; not known on a standby.'),
});
export type TableRow = z.output<typeof tableRow>;

/** A table with what is estimated of it. */
export function estimated(heap: Heap): TableRow {
  const { wasted, unknown } = estimateHeap(heap);
  const { rows, dead_rows, size } = heap;
  return tableRow.parse({
    ...heap,
    wasted,
    wasted_percent: percentOf(wasted, size),
    toast_wasted: estimateToast(heap),
    dead_percent: dead_rows === null || rows === null ? null : percentOf(dead_rows, rows + dead_rows),
    method: wasted === null ? null : 'estimated',
    unknown,
  });
}

/** The same with what was measured instead. */
export function measured(row: TableRow, found: MeasuredHeap | undefined): TableRow {
  if (!found) return row;
  return {
    ...row,
    ...found,
    wasted_percent: percentOf(found.wasted, found.size),
    unknown: null,
    size_estimated: false,
  };
}

/** The most wasted first; what is unknown last, by its size. */
export function byWaste(a: TableRow, b: TableRow): number {
  const wasted = ({ wasted: heap, toast_wasted: toast }: TableRow) =>
    heap === null && toast === null ? -1 : (heap ?? 0) + (toast ?? 0);
  return wasted(b) - wasted(a) || b.size + b.toast_size - a.size - a.toast_size || (a.table < b.table ? -1 : 1);
}

/** With two decimals; null where there is nothing to have a share of. */
export function percentOf(part: number | null, whole: number): number | null {
  return part === null || whole === 0 ? null : Math.round((part / whole) * 10_000) / 100;
}
