import { z } from 'zod';
import { byServerVersion, definePart, sql, type RowOf, type Sql } from '../kit/index.ts';
import { counted, isClient } from '../server/connections.ts';

const bytes = z.int().min(0).meta({ unit: 'bytes' });
const count = z.int().min(0).nullable();

const inBytes = (setting: Sql) => sql`pg_catalog.pg_size_bytes(pg_catalog.current_setting(${setting}, true))`;
const asInteger = (setting: Sql) => sql`pg_catalog.current_setting(${setting})::bigint`;

/** What bounds the memory of processes, and how many there are to use it. */
export const workMemory = definePart({
  what: 'settings that bound the memory of processes',
  row: {
    work_mem: bytes,
    hash_mem_multiplier: z.number(),
    temp_buffers: bytes,
    maintenance_work_mem: bytes,
    autovacuum_work_mem: bytes,
    logical_decoding_work_mem: bytes.nullable(),
    max_connections: z.int(),
    autovacuum_max_workers: z.int(),
    max_wal_senders: z.int(),
    connections: z.int().min(0),
    maintaining: z.int().min(0),
    autovacuum_workers: count,
    decoding: z.int().min(0),
  },
  sql: byServerVersion({
    12: sql`
      select ${inBytes(sql`'work_mem'`)} as work_mem,
             coalesce(pg_catalog.current_setting('hash_mem_multiplier', true)::numeric, 1) as hash_mem_multiplier,
             ${inBytes(sql`'temp_buffers'`)} as temp_buffers, ${inBytes(sql`'maintenance_work_mem'`)} as maintenance_work_mem,
             case when pg_catalog.current_setting('autovacuum_work_mem') = '-1' then ${inBytes(sql`'maintenance_work_mem'`)}
                  else ${inBytes(sql`'autovacuum_work_mem'`)} end as autovacuum_work_mem,
             ${inBytes(sql`'logical_decoding_work_mem'`)} as logical_decoding_work_mem,
             ${asInteger(sql`'max_connections'`)} as max_connections, ${asInteger(sql`'autovacuum_max_workers'`)} as autovacuum_max_workers,
             ${asInteger(sql`'max_wal_senders'`)} as max_wal_senders,
             (select pg_catalog.count(*) from pg_catalog.pg_stat_activity a where ${isClient}) as connections,
             (select pg_catalog.count(*) from pg_catalog.pg_stat_progress_create_index) + (select pg_catalog.count(*) from pg_catalog.pg_stat_progress_cluster)
             + (select pg_catalog.count(*) from pg_catalog.pg_stat_progress_vacuum v
                 where not exists (select from pg_catalog.pg_stat_activity a where a.pid = v.pid and a.backend_type = 'autovacuum worker')) as maintaining,
             (select ${counted(sql`a.backend_type = 'autovacuum worker'`)} from pg_catalog.pg_stat_activity a) as autovacuum_workers,
             (select pg_catalog.count(*) from pg_catalog.pg_replication_slots s where s.slot_type = 'logical' and s.active) as decoding`,
  }),
});
type WorkMemory = RowOf<typeof workMemory>;

/** A setting, and what it may add up to. */
export const memoryBound = {
  setting: z.string(),
  size: bytes,
  of_each: z.string().describe('What may take as much.'),
  now: count.describe('How many there are.'),
  now_size: bytes.nullable().describe('What they may take, each once.'),
  most: count.describe('How many there may be.'),
  most_size: bytes.nullable(),
};
type MemoryBound = z.output<z.ZodObject<typeof memoryBound>>;

/** https://www.postgresql.org/docs/current/runtime-config-resource.html#RUNTIME-CONFIG-RESOURCE-MEMORY */
export function boundsOf(row: WorkMemory): MemoryBound[] {
  const { max_connections: most, connections: now } = row;
  const bounds = [
    bound('work_mem', row.work_mem, { of_each: 'sort, of which a statement may have several', now, most }),
    bound('work_mem * hash_mem_multiplier', Math.round(row.work_mem * row.hash_mem_multiplier), {
      of_each: 'hash table, of which a statement may have several',
      now,
      most,
    }),
    bound('temp_buffers', row.temp_buffers, { of_each: 'session that uses temporary tables', now, most }),
    bound('maintenance_work_mem', row.maintenance_work_mem, {
      of_each: 'VACUUM or CREATE INDEX of a session',
      now: row.maintaining,
      most: null,
    }),
    bound('autovacuum_work_mem', row.autovacuum_work_mem, {
      of_each: 'autovacuum worker',
      now: row.autovacuum_workers,
      most: row.autovacuum_max_workers,
    }),
  ];
  if (row.logical_decoding_work_mem === null) return bounds;
  return [
    ...bounds,
    bound('logical_decoding_work_mem', row.logical_decoding_work_mem, {
      of_each: 'logical replication connection',
      now: row.decoding,
      most: row.max_wal_senders,
    }),
  ];
}

function bound(setting: string, size: number, users: Pick<MemoryBound, 'of_each' | 'now' | 'most'>): MemoryBound {
  const { of_each, now, most } = users;
  return {
    setting,
    size,
    of_each,
    now,
    now_size: now === null ? null : now * size,
    most,
    most_size: most === null ? null : most * size,
  };
}
