import { z } from 'zod';

/** Rounded beyond 2^53: they add up for as long as nobody resets them. */
const sum = z.number().min(0);
const ms = sum.nullable().meta({ unit: 'ms' });
const bytes = sum.nullable().meta({ unit: 'bytes' });
const percent = z.number().nullable().meta({ unit: 'percent' });

/** What statements cost; null where it is not counted. */
export const costs = {
  calls: sum,
  total_ms: ms,
  rows: sum,
  read_size: bytes.describe('Read from disk or the cache of the operating system.'),
  temp_size: bytes.describe('Temporary files read and written.'),
  wal_size: bytes,
  planning_ms: ms,
  jit_ms: ms,
};
export type Costs = z.output<z.ZodObject<typeof costs>>;

/** By their first word. */
export const STATEMENT_TYPES = [
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'with',
  'copy',
  'procedure',
  'ddl',
  'maintenance',
  'transaction',
  'cursor',
  'session',
  'other',
] as const;
export type StatementType = (typeof STATEMENT_TYPES)[number];

export const loadRow = {
  database: z.string().nullable().meta({ names: 'database' }),
  user: z.string().nullable(),
  type: z.enum(STATEMENT_TYPES).nullable().describe('Null where the text is not visible.'),
  statements: z.int().min(0),
  calls: costs.calls,
  calls_percent: percent,
  total_ms: costs.total_ms,
  total_percent: percent,
  mean_ms: ms,
  rows: costs.rows,
  rows_percent: percent,
  read_size: costs.read_size,
  read_percent: percent,
  temp_size: costs.temp_size,
  temp_percent: percent,
  wal_size: costs.wal_size,
  wal_percent: percent,
  planning_ms: costs.planning_ms,
  planning_percent: percent,
  jit_ms: costs.jit_ms,
  jit_percent: percent,
};
export type LoadRow = z.output<z.ZodObject<typeof loadRow>>;
