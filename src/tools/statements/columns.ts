import { extensionSchema, sql, type Param, type Sql } from '../kit/index.ts';

export const EXTENSION = 'pg_stat_statements';

/** How each version of the extension names what is asked of it: https://www.postgresql.org/docs/current/pgstatstatements.html */
export interface Columns {
  readonly totalMs: Sql;
  readonly meanMs: Sql;
  readonly maxMs: Sql;
  readonly planningMs: Sql;
  readonly plans: Sql;
  readonly walBytes: Sql;
  readonly topLevel: Sql;
  readonly ioMs: Sql;
  readonly tempIoMs: Sql;
  readonly jitMs: Sql;
  readonly evictions: Sql;
  readonly statsReset: Sql;
}

const info = sql`${extensionSchema(EXTENSION)}.pg_stat_statements_info`;

const since1_4: Columns = {
  totalMs: sql`s.total_time`,
  meanMs: sql`s.mean_time`,
  maxMs: sql`s.max_time`,
  planningMs: sql`null::double precision`,
  plans: sql`null::bigint`,
  walBytes: sql`null::bigint`,
  topLevel: sql`null::boolean`,
  ioMs: sql`s.blk_read_time + s.blk_write_time`,
  tempIoMs: sql`null::double precision`,
  jitMs: sql`null::double precision`,
  evictions: sql`null::bigint`,
  statsReset: sql`null::timestamp with time zone`,
};

const since1_8: Columns = {
  ...since1_4,
  totalMs: sql`s.total_exec_time`,
  meanMs: sql`s.mean_exec_time`,
  maxMs: sql`s.max_exec_time`,
  planningMs: sql`s.total_plan_time`,
  plans: sql`s.plans`,
  walBytes: sql`s.wal_bytes`,
};

const since1_9: Columns = {
  ...since1_8,
  topLevel: sql`s.toplevel`,
  evictions: sql`(select i.dealloc from ${info} i)`,
  statsReset: sql`(select i.stats_reset from ${info} i)`,
};

const since1_10: Columns = {
  ...since1_9,
  tempIoMs: sql`s.temp_blk_read_time + s.temp_blk_write_time`,
  // jit_deform_time, of 1.11, is part of the generation
  jitMs: sql`s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time`,
};

const since1_11: Columns = {
  ...since1_10,
  ioMs: sql`s.shared_blk_read_time + s.shared_blk_write_time + s.local_blk_read_time + s.local_blk_write_time`,
};

export const COLUMNS = {
  '1.4': since1_4,
  '1.8': since1_8,
  '1.9': since1_9,
  '1.10': since1_10,
  '1.11': since1_11,
} as const;

/** Counters by role, database and statement; without their texts it reads memory only, and fails for none of them. */
export function statementsFrom(texts: Param | Sql): Sql {
  return sql`${extensionSchema(EXTENSION)}.pg_stat_statements(${texts}::boolean)`;
}

/**
 * The text of a statement, null where it is another role's. Where the database has no encoding, bytes that may be no text
 * become question marks.
 */
export function textOf(query: Sql): Sql {
  return sql`case when ${query} = '<insufficient privilege>' then null
                    when pg_catalog.getdatabaseencoding() = 'SQL_ASCII' then pg_catalog.regexp_replace(${query}, '[^\\x01-\\x7f]', '?', 'g')
                    else ${query} end`;
}

/** Settings of the server and of the extension, and its version. */
export const countingSettings = sql`
        select pg_catalog.current_setting('block_size')::bigint as block_size,
               (select e.extversion from pg_catalog.pg_extension e where e.extname = 'pg_stat_statements') as extension_version,
               pg_catalog.current_setting('pg_stat_statements.max', true)::integer as max_tracked,
               pg_catalog.current_setting('pg_stat_statements.track', true) as track,
               pg_catalog.current_setting('pg_stat_statements.track_planning', true)::boolean as track_planning,
               pg_catalog.current_setting('track_io_timing')::boolean as track_io_timing`;
