import { z } from 'zod';

const count = z.int().min(0);
const percent = z.number().nullable().meta({ unit: 'percent' });

export const hotRow = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  n_tup_upd: count,
  n_tup_hot_upd: count,
  hot_percent: percent,
  n_tup_newpage_upd: count.nullable().describe('The new row went to another page; PostgreSQL 16 on.'),
  newpage_percent: percent,
  indexed_percent: percent.describe(
    'There was room on the page, but a column that is in an index was changed; PostgreSQL 16 on.',
  ),
  updates_per_s: z.number().min(0).nullable(),
  n_live_tup: count,
  fillfactor: z.int(),
  indexes: count.describe('Indexes that updates of their columns have to be written to.'),
  unscanned_indexes: z
    .array(z.string())
    .describe('Those that are not unique and were not scanned since counted_since.'),
};
export type HotRow = z.output<z.ZodObject<typeof hotRow>>;
