import { z } from 'zod';
import { isOfServerOrDatabase } from '../server/setting-source.ts';
import { COLUMNS, EXTENSION, statementsFrom, textOf, type Columns } from '../statements/columns.ts';
import {
  closedLast,
  byExtensionVersion,
  byServerVersion,
  countedDatabases,
  definePart,
  param,
  secondsSince,
  sql,
} from '../kit/index.ts';
import { liveFiles, spilledDatabase, spillingStatement, temporarySetting } from './temporary-row.ts';

/** https://www.postgresql.org/docs/current/storage-file-layout.html: pgsql_tmpPPP.NNN, of the process PPP. */
export const live = definePart({
  what: 'temporary files there are now',
  needs: 'pg_monitor',
  row: liveFiles,
  sql: byServerVersion({
    12: sql`
      with sessions as materialized (
        select a.pid, a.backend_type, a.usename, a.datname, a.application_name, a.state, a.query_start, a.query from pg_catalog.pg_stat_activity a
      ),
      files as (
        select t.spcname, f.size, f.modification, pg_catalog.substring(f.name, '^pgsql_tmp(\\d{1,9})\\.')::integer as pid
          from pg_catalog.pg_tablespace t
         cross join lateral pg_catalog.pg_ls_tmpdir(t.oid) f
         -- pg_global would give those of pg_default again
         where t.oid <> 1664
           -- looks at the sessions first: one that ends meanwhile is no crash
           and (select pg_catalog.count(*) from sessions) > 0
      ),
      grouped as (
        select f.pid, f.spcname as tablespace, pg_catalog.count(*) as files, pg_catalog.sum(f.size) as size, pg_catalog.max(f.modification) as last_written
          from files f
         group by f.pid, f.spcname
      )
      select g.pid, g.tablespace, g.files, g.size, g.last_written, a.pid is not null as is_running, a.backend_type, a.usename as user,
             a.datname as database, a.application_name as application,
             case when a.state = 'active' then ${secondsSince(sql`a.query_start`)} end as statement_s,
             nullif(a.query, '') as statement
        from grouped g
        left join sessions a on a.pid = g.pid
       -- of a session that began meanwhile
       where a.pid is not null or g.last_written < pg_catalog.clock_timestamp() - interval '1 minute'
       order by ${closedLast(sql`a.datname`)}, g.size desc, g.pid
       limit 500`,
  }),
});

export const parallelWorkers = definePart({
  what: 'parallel workers',
  row: { workers: z.int().min(0) },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.count(*) as workers from pg_catalog.pg_stat_activity a where a.backend_type = 'parallel worker'`,
  }),
});

export const databases = definePart({
  what: 'temporary files by database',
  row: spilledDatabase,
  sql: byServerVersion({
    12: sql`
      select d.datname as database, d.temp_files, d.temp_bytes as temp_size,
             -- of less than an hour nobody knows what an hour brings
             case when c.counted_s >= 3600 then pg_catalog.round(d.temp_bytes / (c.counted_s / 3600.0)) end as size_per_hour,
             c.counted_s, c.counted_since
        from pg_catalog.pg_stat_database d
        join (${countedDatabases}) c on c.datid = d.datid
       where d.datname is not null and d.temp_files > 0
       order by ${closedLast(sql`d.datname`)}, d.temp_bytes desc, d.datname
       limit 500`,
  }),
});

const spilling = (columns: Columns) => sql`
      select s.queryid::text as query_id, pg_catalog.left(${textOf(sql`s.query`)}, 10000) as statement, coalesce(d.datname::text, s.dbid::text) as database,
             pg_catalog.pg_get_userbyid(s.userid)::text as user, s.calls, s.temp_blks_written * o.block_size as written_size,
             s.temp_blks_read * o.block_size as read_size,
             pg_catalog.round(s.temp_blks_written * o.block_size / nullif(s.calls, 0)::numeric) as written_per_call,
             pg_catalog.round((${columns.tempIoMs})::numeric, 3) as temp_io_ms,
             ${param('read_texts')}::boolean as texts_read
        from ${statementsFrom(param('read_texts'))} s
       cross join (select pg_catalog.current_setting('block_size')::bigint as block_size) o
        left join pg_catalog.pg_database d on d.oid = s.dbid
       where s.temp_blks_written > 0 and s.calls > 0
       order by ${closedLast(sql`coalesce(d.datname::text, s.dbid::text)`)}, s.temp_blks_written desc, s.queryid
       limit ${param('limit')}`;

export const statements = definePart({
  what: 'temporary files by statement',
  row: { ...spillingStatement, texts_read: z.boolean() },
  sql: byExtensionVersion(EXTENSION, { '1.4': spilling(COLUMNS['1.4']), '1.10': spilling(COLUMNS['1.10']) }),
});

export const settings = definePart({
  what: 'settings of temporary files',
  row: { ...temporarySetting, unit: z.string().nullable() },
  sql: byServerVersion({
    12: sql`
      select s.name, case when ${isOfServerOrDatabase(sql`s.source`)} then s.setting end as value, s.unit, s.source
        from pg_catalog.pg_settings s
       where s.name in ('work_mem', 'hash_mem_multiplier', 'maintenance_work_mem', 'temp_file_limit', 'log_temp_files', 'temp_tablespaces')
       order by s.name`,
  }),
});
