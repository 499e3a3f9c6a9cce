import { z } from 'zod';

/** Null where that kind of process does not do such a thing there, or where the version does not count it. */
const count = z.number().min(0).nullable();
const bytes = count.meta({ unit: 'bytes' });
const ms = count.meta({ unit: 'ms' });

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-IO-VIEW */
export const ioCounters = {
  reads: count,
  read_size: bytes,
  read_ms: ms,
  hits: count,
  hit_percent: z
    .number()
    .nullable()
    .meta({ unit: 'percent' })
    .describe('Share of blocks that were in shared buffers or local ones.'),
  writes: count,
  write_size: bytes,
  write_ms: ms,
  extends: count,
  extend_size: bytes,
  extend_ms: ms,
  fsyncs: count,
  fsync_ms: ms,
};

export const ioRow = {
  backend_type: z.string().describe('Before PostgreSQL 16, backends: all sessions together.'),
  object: z.string(),
  context: z.string(),
  ...ioCounters,
  evictions: count,
  reuses: count,
  source: z.string().nullable().describe('The view, before PostgreSQL 16.'),
};
export type IoRow = z.output<z.ZodObject<typeof ioRow>>;

export const aboutIo = {
  counted_since: z.iso.datetime().nullable(),
  counted_s: z.int().nullable().meta({ unit: 's' }),
  databases_counted_since: z.iso.datetime().nullable().describe('Before PostgreSQL 16, of pg_stat_database.'),
  bgwriter_lru_maxpages: z.int(),
  track_io_timing: z.boolean(),
  track_wal_io_timing: z.boolean().nullable(),
};
export type AboutIo = z.output<z.ZodObject<typeof aboutIo>>;
