import { z } from 'zod';

const bytes = z.number().min(0).meta({ unit: 'bytes' });
const count = z.int().min(0);
const seconds = z.number().nullable().meta({ unit: 's' });

/** Files of one process in one tablespace, now. */
export const liveFiles = {
  pid: z.int().nullable().describe('As the name of the files says.'),
  tablespace: z.string(),
  files: count,
  size: bytes,
  last_written: z.iso.datetime().nullable(),
  is_running: z.boolean().describe('False when no such process is there: a crash left the files.'),
  backend_type: z.string().nullable(),
  user: z.string().nullable(),
  database: z.string().nullable().meta({ names: 'database' }),
  application: z.string().nullable().meta({ names: 'text' }),
  statement_s: seconds,
  statement: z.string().nullable().meta({ names: 'statement' }),
};
export type LiveFiles = z.output<z.ZodObject<typeof liveFiles>>;

/** What sessions of a database have written since its counters were reset. */
export const spilledDatabase = {
  database: z.string().meta({ names: 'database' }),
  temp_files: count,
  temp_size: bytes,
  size_per_hour: bytes.nullable(),
  counted_s: z.int().nullable().meta({ unit: 's' }),
  counted_since: z.iso.datetime().nullable(),
};
export type SpilledDatabase = z.output<z.ZodObject<typeof spilledDatabase>>;

export const spillingStatement = {
  query_id: z.string().nullable(),
  statement: z.string().nullable().meta({ names: 'statement' }),
  database: z.string().meta({ names: 'database' }),
  user: z.string(),
  calls: count,
  written_size: bytes,
  read_size: bytes,
  written_per_call: bytes.describe('A work_mem of some times this keeps it in memory.'),
  temp_io_ms: z.number().nullable().meta({ unit: 'ms' }),
};

export const temporarySetting = {
  name: z.string(),
  value: z.string().nullable().describe('Null where this login has a value of its own, which hides that of others.'),
  source: z.string(),
};
export type TemporarySetting = z.output<z.ZodObject<typeof temporarySetting>>;
