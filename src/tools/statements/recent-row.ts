import { z } from 'zod';

const ms = z.number().min(0).nullable().meta({ unit: 'ms' });
const bytes = z.number().min(0).nullable().meta({ unit: 'bytes' });

/** What ran in one bucket of time, by statement, role, database, application and address. */
export const recentRow = {
  bucket_start: z.iso.datetime().nullable(),
  bucket_done: z.boolean().nullable().describe('False while it still counts; pg_stat_monitor 2.0 on.'),
  database: z.string().meta({ names: 'database' }),
  user: z.string().nullable(),
  application: z.string().nullable().meta({ names: 'text' }),
  client_address: z.string().nullable(),
  query_id: z.string().nullable(),
  statement: z.string().nullable().meta({ names: 'statement' }),
  calls: z.int().min(0),
  total_ms: ms,
  mean_ms: ms,
  max_ms: ms,
  rows: z.int().min(0).nullable(),
  hit_percent: z.number().nullable().meta({ unit: 'percent' }).describe('Share of blocks that were in shared_buffers.'),
  read_size: bytes,
  temp_size: bytes.describe('Temporary files read and written.'),
  wal_size: bytes,
  cpu_ms: ms.describe('Of the process, in user and system mode.'),
  error_level: z.string().nullable(),
  sqlstate: z.string().nullable(),
};

export const recentError = {
  database: z.string().meta({ names: 'database' }),
  error_level: z.string(),
  sqlstate: z.string().nullable(),
  calls: z.int().min(0),
  last_bucket_start: z.iso.datetime().nullable(),
};

export const aboutRecent = {
  extension_version: z.string(),
  bucket_s: z.int().nullable().meta({ unit: 's' }).describe('Seconds that a bucket counts.'),
  max_buckets: z.int().nullable().describe('Of which the server keeps so many.'),
  oldest_bucket_start: z.iso.datetime().nullable(),
};
