import { z } from 'zod';
import type { Btree } from './btree.ts';
import { estimateBtree } from './estimate-btree.ts';
import { UNKNOWN } from './estimate-heap.ts';
import type { MeasuredBtree } from './measure-btree.ts';
import { percentOf } from './table-row.ts';

const bytes = z.int().min(0);
const percent = z.number().nullable().meta({ unit: 'percent' });

export const indexRow = z.object({
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  index: z.string().meta({ names: 'index' }),
  size: bytes.meta({ unit: 'bytes' }),
  wasted: bytes
    .nullable()
    .meta({ unit: 'bytes' })
    .describe('What it would not take if it were built anew, by its fillfactor.'),
  wasted_percent: percent,
  rows: bytes.nullable().describe('As of the last VACUUM or ANALYZE.'),
  fillfactor: z.int(),
  leaf_density: percent.describe('How full its leaves are; where it was measured.'),
  leaf_fragmentation: percent.describe('Leaves whose next one lies before them; where it was measured.'),
  unique: z.boolean(),
  backs_constraint: z.string().nullable().meta({ names: 'constraint', withhold: 'value' }),
  deduplicates: z
    .boolean()
    .describe('Equal keys are stored once, which makes an estimate less certain; PostgreSQL 13 on.'),
  method: z.enum(['estimated', 'exact']).nullable().describe('How wasted was found; null where it is unknown.'),
  unknown: z.enum(UNKNOWN).nullable().describe('Why it is.'),
  size_estimated: z.boolean().describe('A lock kept the size from us: it is that of the last VACUUM or ANALYZE.'),
});
export type IndexRow = z.output<typeof indexRow>;

/** An index with what is estimated of it. */
export function estimated(btree: Btree): IndexRow {
  const { wasted, unknown } = estimateBtree(btree);
  return indexRow.parse({
    ...btree,
    wasted,
    wasted_percent: percentOf(wasted, btree.size),
    leaf_density: null,
    leaf_fragmentation: null,
    method: wasted === null ? null : 'estimated',
    unknown,
  });
}

/** The same with what was measured instead. */
export function measured(row: IndexRow, found: MeasuredBtree | undefined): IndexRow {
  if (!found) return row;
  const wasted_percent = percentOf(found.wasted, found.size);
  return { ...row, ...found, wasted_percent, method: 'exact', unknown: null, size_estimated: false };
}

/** The most wasted first; what is unknown last, by its size. */
export function byWaste(a: IndexRow, b: IndexRow): number {
  return (b.wasted ?? -1) - (a.wasted ?? -1) || b.size - a.size || (a.index < b.index ? -1 : 1);
}
