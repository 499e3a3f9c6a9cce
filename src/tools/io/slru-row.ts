import { z } from 'zod';

const count = z.number().min(0).nullable();

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-SLRU-VIEW */
export const slruRow = {
  name: z.string(),
  blks_hit: count,
  blks_read: count,
  hit_percent: z.number().nullable().meta({ unit: 'percent' }),
  reads_per_s: z.number().nullable().describe('Since it was reset.'),
  blks_zeroed: count,
  blks_written: count,
  blks_exists: count,
  flushes: count,
  truncates: count,
  buffers: z.int().nullable().describe('Pages of the cache; PostgreSQL 17 on.'),
  counted_since: z.iso.datetime().nullable(),
};
export type SlruRow = z.output<z.ZodObject<typeof slruRow>>;

/** A session that lost track of which transactions are its subtransactions, so that others have to look that up. */
export const overflowedRow = {
  pid: z.int(),
  user: z.string().nullable(),
  database: z.string().nullable().meta({ names: 'database' }),
  application: z.string().nullable().meta({ names: 'text' }),
  subtransactions: z.int().min(0).describe('That it still keeps track of.'),
  transaction_s: z.number().nullable().meta({ unit: 's' }),
};
export type OverflowedRow = z.output<z.ZodObject<typeof overflowedRow>>;
