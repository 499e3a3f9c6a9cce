import { z } from 'zod';
import { closedLast, byServerVersion, definePart, percentOf, secondsSince, sql, type Sql } from '../kit/index.ts';

const percent = z.number().nullable().meta({ unit: 'percent' });

interface Progress {
  /** The view of ANALYZE, which came with PostgreSQL 13. */
  readonly analyses: Sql;
  readonly memory: Sql;
  /** Milliseconds; PostgreSQL 18 on. */
  readonly delayed: Sql;
}

/** https://www.postgresql.org/docs/current/progress-reporting.html#VACUUM-PROGRESS-REPORTING */
const running = ({ analyses, memory, delayed }: Progress) => sql`
      select a.pid, a.datname as database, n.nspname as schema, coalesce(o.relname, c.relname) as table, o.oid is not null as toast,
             a.backend_type = 'autovacuum worker' as autovacuum,
             case when v.pid is not null then 'vacuum' when z.pid is not null then 'analyze' end as does,
             a.backend_type = 'autovacuum worker' and a.query like '% (to prevent wraparound)' as against_wraparound,
             coalesce(v.phase, z.phase) as phase,
             coalesce(${percentOf(sql`v.heap_blks_scanned`, sql`v.heap_blks_total`)}, ${percentOf(sql`z.sample_blks_scanned`, sql`z.sample_blks_total`)}) as scanned_percent,
             ${percentOf(sql`v.heap_blks_vacuumed`, sql`v.heap_blks_total`)} as vacuumed_percent,
             v.index_vacuum_count as index_rounds, ${memory} as memory_percent, ${delayed} as delayed_ms,
             ${secondsSince(sql`a.xact_start`)} as running_s, a.wait_event_type, a.wait_event
        from pg_catalog.pg_stat_activity a
        left join pg_catalog.pg_stat_progress_vacuum v on v.pid = a.pid
        left join (${analyses}) z on z.pid = a.pid
        left join pg_catalog.pg_class c on c.oid = coalesce(v.relid, z.relid) and a.datname = pg_catalog.current_database()
        left join pg_catalog.pg_class o on o.reltoastrelid = c.oid and c.relkind = 't'
        left join pg_catalog.pg_namespace n on n.oid = coalesce(o.relnamespace, c.relnamespace)
       where a.backend_type = 'autovacuum worker' or v.pid is not null or z.pid is not null
       order by ${closedLast(sql`a.datname`)}, a.xact_start nulls last, a.pid
       limit 100`;

const none = sql`select null::integer as pid, null::oid as relid, null::text as phase, null::bigint as sample_blks_scanned, null::bigint as sample_blks_total where false`;
const since13: Progress = {
  analyses: sql`select p.pid, p.relid, p.phase, p.sample_blks_scanned, p.sample_blks_total from pg_catalog.pg_stat_progress_analyze p`,
  memory: percentOf(sql`v.num_dead_tuples`, sql`v.max_dead_tuples`),
  delayed: sql`null::double precision`,
};
const since17: Progress = { ...since13, memory: percentOf(sql`v.dead_tuple_bytes`, sql`v.max_dead_tuple_bytes`) };

export const vacuumWorkers = definePart({
  what: 'running VACUUM and ANALYZE',
  row: {
    pid: z.int(),
    database: z.string().nullable().meta({ names: 'database' }),
    schema: z.string().nullable().meta({ names: 'schema' }).describe('Null in another database.'),
    table: z.string().nullable().meta({ names: 'table' }),
    toast: z.boolean(),
    autovacuum: z.boolean().nullable().describe('False when somebody ran the command.'),
    does: z.enum(['vacuum', 'analyze']).nullable(),
    against_wraparound: z.boolean().nullable().describe('It does not give way to others then.'),
    phase: z.string().nullable(),
    scanned_percent: percent,
    vacuumed_percent: percent,
    index_rounds: z.int().nullable().describe('More than one says that its memory was too small.'),
    memory_percent: percent.describe('How full its memory for dead rows is; at 100 it turns to the indexes.'),
    delayed_ms: z
      .number()
      .nullable()
      .meta({ unit: 'ms' })
      .describe('Slept because of the cost delay; PostgreSQL 18 with track_cost_delay_timing.'),
    running_s: z.number().nullable().meta({ unit: 's' }),
    wait_event_type: z.string().nullable(),
    wait_event: z.string().nullable(),
  },
  sql: byServerVersion({
    12: running({ ...since13, analyses: none }),
    13: running(since13),
    17: running(since17),
    18: running({ ...since17, delayed: sql`nullif(v.delay_time, 0)` }),
  }),
});
