import { z } from 'zod';

const count = z.int().min(0);

/** A table as the answer has it; partitions are summed up. */
export const scanRow = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  size: count.meta({ unit: 'bytes' }).describe('Of the table without TOAST and indexes: what one scan of all reads.'),
  size_estimated: z.boolean().describe('A lock kept the size from us: it is that of the last VACUUM or ANALYZE.'),
  rows: count.nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
  seq_scan: count.describe('Sequential scans, each partition counted by itself; a build of an index is one, too.'),
  last_seq_scan: z.iso.datetime().nullable().describe('PostgreSQL 16 on.'),
  seq_tup_read: count,
  rows_per_scan: count,
  scans_per_day: z.number().min(0).nullable(),
  read_size_per_s: count
    .nullable()
    .meta({ unit: 'bytes' })
    .describe('What these scans read per second on average, from memory or disk.'),
  idx_scan: count.nullable().describe('Null where there is no index.'),
  seq_percent: z.number().nullable().meta({ unit: 'percent' }).describe('Share of sequential scans.'),
  partitions: count.nullable().describe('Null where there can be none.'),
};
export type ScanRow = z.output<z.ZodObject<typeof scanRow>>;

export const aboutScans = {
  statements_view: z.string().nullable().describe('Where pg_stat_statements is, as SQL names it.'),
};
