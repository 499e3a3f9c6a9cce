import { z } from 'zod';

const ms = z.number().min(0).nullable().meta({ unit: 'ms' });
/** Rounded beyond 2^53: they add up for as long as nobody resets them. */
const bytes = z.number().min(0).nullable().meta({ unit: 'bytes' });
const percent = z.number().nullable().meta({ unit: 'percent' });

/** A statement as pg_stat_statements counts it: by role, database and normalised text. */
export const statementRow = {
  query_id: z.string().nullable(),
  statement: z.string().nullable().meta({ names: 'statement' }),
  database: z.string().meta({ names: 'database' }),
  user: z.string(),
  calls: z.int().min(0),
  total_ms: ms,
  mean_ms: ms,
  max_ms: ms,
  total_percent: percent.describe('Share of the time of all statements of the server.'),
  rows: z.int().min(0),
  hit_percent: percent.describe('Share of blocks that were in shared_buffers.'),
  read_size: bytes.describe('Read from disk or the cache of the operating system.'),
  temp_size: bytes.describe('Temporary files read and written.'),
  wal_size: bytes,
  io_ms: ms,
  temp_io_ms: ms,
  plans: z.int().min(0).nullable(),
  planning_ms: ms,
  jit_ms: ms,
  top_level: z.boolean().nullable(),
};
export type StatementRow = z.output<z.ZodObject<typeof statementRow>>;

/** What the counters are worth. */
export const aboutCounting = {
  since: z.iso.datetime().nullable().describe('When the counters were last reset.'),
  tracked: z.int().min(0).describe('Statements that the server keeps counters of.'),
  max_tracked: z.int().min(0).nullable(),
  evictions: z.int().min(0).nullable().describe('How often rarely run statements had to give way to new ones.'),
  extension_version: z.string(),
  track: z.string().nullable(),
  track_planning: z.boolean().nullable(),
  track_io_timing: z.boolean(),
};
export type AboutCounting = z.output<z.ZodObject<typeof aboutCounting>>;

export const aboutStatements = {
  ...aboutCounting,
  all_ms: ms.describe('Execution time of all statements.'),
  texts_read: z.boolean().describe('False when one text on the server was none in this encoding, which hides all.'),
};
export type AboutStatements = z.output<z.ZodObject<typeof aboutStatements>>;
