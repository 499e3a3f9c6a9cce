import { z } from 'zod';
import { aboutCounting, counting, sql } from '../kit/index.ts';

/** An index as the answer has it, counted over its partitions. */
export const indexRow = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  index: z.string().meta({ names: 'index' }),
  definition: z.string().nullable().meta({ names: 'text' }),
  size: z.int().min(0).meta({ unit: 'bytes' }),
  size_estimated: z.boolean(),
  scans: z.int().min(0),
  last_scan: z.iso.datetime().nullable().describe('PostgreSQL 16 on; null also when it was never scanned.'),
  table_writes: z
    .int()
    .min(0)
    .nullable()
    .describe(
      'Rows inserted, updated and deleted in its table, each of which may have written to it; null on a standby.',
    ),
  partitions: z
    .int()
    .min(0)
    .nullable()
    .describe('Indexes of partitions that are counted in; null when the table has none.'),
  supports_foreign_keys: z
    .array(z.string())
    .describe('Foreign keys that need it: no other index that stays serves them.'),
  has_expressions: z
    .boolean()
    .describe('ANALYZE keeps statistics on its expressions, which the planner uses without a scan.'),
  clustered: z.boolean().describe('CLUSTER orders the table by it.'),
};
export type IndexRow = z.output<z.ZodObject<typeof indexRow>>;

/** What the counters are worth. */
export const aboutCounters = {
  ...aboutCounting,
  standbys: z.int().min(0).describe('Standbys connected to this server, each with counters of its own.'),
};
export type AboutCounters = z.output<z.ZodObject<typeof aboutCounters>>;

/** Selects one row with the columns of `aboutCounters`. */
export const counters = sql`
         select w.*, (select pg_catalog.count(*) from pg_catalog.pg_stat_replication p
                       where p.application_name not in ('pg_basebackup', 'pg_receivewal')
                         and not exists (select from pg_catalog.pg_replication_slots s where s.active_pid = p.pid and s.slot_type = 'logical')) as standbys
           from (${counting}) w`;
