import { z } from 'zod';
import {
  closedLast,
  byExtensionVersion,
  definePart,
  extensionSchema,
  param,
  percentOf,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { textOf } from './columns.ts';
import { aboutRecent, recentError, recentRow } from './recent-row.ts';

const EXTENSION = 'pg_stat_monitor';
const subject = 'recent_statements';

/** A number of PostgreSQL's own: https://github.com/postgres/postgres/blob/REL_14_STABLE/src/include/utils/elog.h, and before. */
const ERROR = sql`case when pg_catalog.current_setting('server_version_num')::integer >= 140000 then 21 else 20 end`;

/** Of `v`, by its distance from ERROR, which moved with PostgreSQL 14; below it the numbers stayed. */
const errorLevel = sql`case v.elevel - ${ERROR}
                    when 0 then 'ERROR' when 1 then 'FATAL' when 2 then 'PANIC'
                    else case when v.elevel >= 19 then 'WARNING' when v.elevel = 18 then 'NOTICE' when v.elevel = 17 then 'INFO'
                              when v.elevel >= 15 then 'LOG' when v.elevel > 0 then 'DEBUG' end end`;

const bucketSeconds = sql`pg_catalog.current_setting('pg_stat_monitor.pgsm_bucket_time', true)::integer`;

/**
 * The view's columns depend on the version of the extension and on that of the server that created it, which an upgrade
 * of either leaves as they were. Names in the inner query that the view lacks are found in `absent`, and are null.
 * https://docs.percona.com/pg-stat-monitor/reference.html
 */
const seen = (start: Sql) => sql`
      seen as (
        select v.*, ${errorLevel} as error_level
          from (select null::boolean as bucket_done, null::text as username, null::bigint as rows, null::bigint as rows_retrieved,
                       null::double precision as total_time, null::double precision as mean_time, null::double precision as max_time,
                       null::double precision as total_exec_time, null::double precision as mean_exec_time,
                       null::double precision as max_exec_time, null::numeric as wal_bytes) absent
         cross join lateral (
           select ${start} as bucket_start, bucket_done, coalesce(s.datname::text, '') as database,
                  coalesce(username, pg_catalog.pg_get_userbyid(s.userid::oid)::text) as user, s.application_name as application,
                  pg_catalog.host(s.client_ip) as client_address, s.queryid::text as query_id,
                  ${textOf(sql`s.query`)} as statement, s.calls,
                  coalesce(total_exec_time, total_time) as total_ms, coalesce(mean_exec_time, mean_time) as mean_ms,
                  coalesce(max_exec_time, max_time) as max_ms, coalesce(rows, rows_retrieved) as rows,
                  s.shared_blks_hit, s.shared_blks_read, s.shared_blks_read + s.local_blks_read as blocks_read,
                  s.temp_blks_read + s.temp_blks_written as temp_blocks, wal_bytes, s.cpu_user_time + s.cpu_sys_time as cpu_ms,
                  s.elevel, nullif(nullif(s.sqlcode, ''), '00000') as sqlstate
             from ${extensionSchema(EXTENSION)}.pg_stat_monitor s
         ) v
      )`;

/** Of those, what is asked for. */
const wanted = sql`
      wanted as (
        select s.*
          from seen s
         where (${param('since_minutes')}::double precision is null
                or s.bucket_start + coalesce(${bucketSeconds}, 60) * interval '1 second'
                   > pg_catalog.clock_timestamp() - ${param('since_minutes')}::double precision * interval '1 minute')
           and (${param('of_database')}::text is null or s.database = ${param('of_database')}::text)
           and (${param('user')}::text is null or s.user = ${param('user')}::text)
           and (${param('application')}::text is null or s.application = ${param('application')}::text)
           and (${param('client_address')}::text is null or s.client_address = ${param('client_address')}::text)
      )`;

const ms = (value: Sql) => sql`pg_catalog.round((${value})::numeric, 3)`;

const recent = (start: Sql) => sql`
      with ${seen(start)},${wanted},
      counted as (
        select w.*, pg_catalog.count(*) over () as total_rows
          from wanted w
         where w.calls >= ${param('min_calls')}::bigint
           and (not ${param('errors_only')}::boolean or w.error_level in ('ERROR', 'FATAL', 'PANIC'))
      )
      select c.bucket_start, c.bucket_done, c.database, c.user, c.application, c.client_address, c.query_id, c.statement, c.calls,
             ${ms(sql`c.total_ms`)} as total_ms, ${ms(sql`c.mean_ms`)} as mean_ms, ${ms(sql`c.max_ms`)} as max_ms, c.rows,
             ${percentOf(sql`c.shared_blks_hit`, sql`(c.shared_blks_hit + c.shared_blks_read)`)} as hit_percent,
             c.blocks_read * o.block_size as read_size, c.temp_blocks * o.block_size as temp_size, c.wal_bytes as wal_size,
             ${ms(sql`c.cpu_ms`)} as cpu_ms, c.error_level, c.sqlstate, c.total_rows
        from counted c
       cross join (select pg_catalog.current_setting('block_size')::bigint as block_size) o
       order by ${closedLast(sql`c.database`)}, case ${param('order_by')}::text
                  when 'total_time' then c.total_ms
                  when 'mean_time' then c.mean_ms
                  when 'calls' then c.calls
                  when 'rows' then c.rows
                  when 'io' then c.blocks_read
                  when 'temp' then c.temp_blocks
                  when 'wal' then c.wal_bytes
                end desc nulls last, c.bucket_start desc nulls last, c.total_ms desc nulls last, c.query_id
       limit ${param('limit')}`;

const errors = (start: Sql) => sql`
      with ${seen(start)},${wanted}
      select w.database, w.error_level, w.sqlstate, pg_catalog.sum(w.calls)::bigint as calls, pg_catalog.max(w.bucket_start) as last_bucket_start
        from wanted w
       where w.error_level in ('ERROR', 'FATAL', 'PANIC')
       group by w.database, w.error_level, w.sqlstate
       order by ${closedLast(sql`w.database`)}, calls desc, w.database, w.sqlstate
       limit 500`;

const about = (start: Sql) => sql`
      with ${seen(start)}
      select (select e.extversion from pg_catalog.pg_extension e where e.extname = 'pg_stat_monitor') as extension_version,
             ${bucketSeconds} as bucket_s,
             pg_catalog.current_setting('pg_stat_monitor.pgsm_max_buckets', true)::integer as max_buckets,
             (select pg_catalog.min(s.bucket_start) from seen s) as oldest_bucket_start`;

/** Before 2.0 it was the local time of the operating system, which initdb takes log_timezone from. */
const LOCAL_TIME = sql`s.bucket_start_time::timestamp at time zone pg_catalog.current_setting('log_timezone')`;

function byVersion(query: (start: Sql) => Sql) {
  return byExtensionVersion(EXTENSION, { '1.0': query(LOCAL_TIME), '2.0': query(sql`s.bucket_start_time`) });
}

export const recentStatements = definePart({
  what: 'recent statements',
  subject,
  row: { ...recentRow, total_rows: z.int() },
  sql: byVersion(recent),
});

export const recentErrors = definePart({ what: 'recent errors', subject, row: recentError, sql: byVersion(errors) });
export type RecentError = RowOf<typeof recentErrors>;

export const aboutBuckets = definePart({ what: 'buckets of time', subject, row: aboutRecent, sql: byVersion(about) });
