import { z } from 'zod';
import { closedLast, byServerVersion, defineDiagnostic, percentOf, sql, type Sql } from '../kit/index.ts';
import { blockSize, isTimed } from './io-columns.ts';
import { ioCounters } from './io-row.ts';

const count = z.number().min(0).nullable();

const sum = (column: Sql) => sql`pg_catalog.sum(i.${column})`;
/** Null where nothing measured it, which is not 0. */
const ms = (column: Sql) =>
  sql`pg_catalog.round((pg_catalog.sum(i.${column}) filter (where i.${column} > 0 or ${isTimed}))::numeric, 3)`;

export default defineDiagnostic({
  name: 'backend_io',
  area: 'io',
  title: 'I/O by session',
  description: 'What each session has read, written and put into WAL, most first. PostgreSQL 18 on.',
  alsoKnownAs: { get_per_backend_io_stats: { database_name: 'database' } },
  clusterWide: true,
  judges: false,
  instead:
    'Before that, io_statistics tells I/O by kind of process (16 on), top_statements by statement, database_statistics by database.',
  input: {},
  sees: [{ what: 'kinds and states of other roles’ sessions', privilege: 'pg_read_all_stats' }],
  row: {
    pid: z.int(),
    backend_type: z
      .string()
      .nullable()
      .describe('The checkpointer and other processes that are one of a kind are in io_statistics only.'),
    user: z.string().nullable(),
    database: z.string().nullable().meta({ names: 'database' }),
    application: z.string().nullable().meta({ names: 'text' }),
    state: z.string().nullable(),
    ...ioCounters,
    wal_records: count,
    wal_fpi: count.describe('Full page images.'),
    wal_bytes: count.meta({ unit: 'bytes' }),
    wal_buffers_full: count,
    counted_since: z.iso.datetime().nullable().describe('Its start, unless its counters were reset.'),
  },
  counted: true,
  sql: ({ limit }) =>
    byServerVersion({
      18: sql`
        select a.pid, coalesce(a.backend_type, i.backend_type) as backend_type, a.usename as user, a.datname as database,
               a.application_name as application, a.state,
               i.reads, i.read_bytes as read_size, i.read_ms,
               i.hits, ${percentOf(sql`i.hits`, sql`(i.hits + i.data_read_bytes / ${blockSize})`)} as hit_percent,
               i.writes, i.write_bytes as write_size, i.write_ms,
               i.extends, i.extend_bytes as extend_size, i.extend_ms,
               i.fsyncs, i.fsync_ms,
               w.wal_records, w.wal_fpi, w.wal_bytes, w.wal_buffers_full,
               coalesce(i.stats_reset, w.stats_reset, a.backend_start) as counted_since,
               pg_catalog.count(*) over () as total_rows
          from pg_catalog.pg_stat_activity a
         cross join lateral (
           select pg_catalog.min(i.backend_type) as backend_type,
                  ${sum(sql`reads`)} as reads, ${sum(sql`read_bytes`)} as read_bytes, ${ms(sql`read_time`)} as read_ms, ${sum(sql`hits`)} as hits,
                  pg_catalog.sum(i.read_bytes) filter (where i.object <> 'wal') as data_read_bytes,
                  ${sum(sql`writes`)} as writes, ${sum(sql`write_bytes`)} as write_bytes, ${ms(sql`write_time`)} as write_ms,
                  ${sum(sql`extends`)} as extends, ${sum(sql`extend_bytes`)} as extend_bytes, ${ms(sql`extend_time`)} as extend_ms,
                  ${sum(sql`fsyncs`)} as fsyncs, ${ms(sql`fsync_time`)} as fsync_ms, pg_catalog.max(i.stats_reset) as stats_reset
             from pg_catalog.pg_stat_get_backend_io(a.pid) i
         ) i
          left join lateral pg_catalog.pg_stat_get_backend_wal(a.pid) w on true
         where a.pid <> pg_catalog.pg_backend_pid() and i.backend_type is not null
         order by ${closedLast(sql`a.datname`)}, coalesce(i.read_bytes, 0) + coalesce(i.write_bytes, 0) + coalesce(i.extend_bytes, 0) desc, w.wal_bytes desc nulls last, a.pid
         limit ${limit}`,
    }),
});
