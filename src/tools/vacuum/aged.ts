import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  estimatedSize,
  matchesName,
  param,
  percentOf,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { freezeAge, serverThresholds } from './thresholds.ts';

const percent = z.number().nullable().meta({ unit: 'percent' });
const WRAPAROUND = sql`2147483648`;

function ofSetting(age: Sql, setting: Sql): Sql {
  return percentOf(age, sql`pg_catalog.current_setting(${setting})::bigint`);
}

/** Writes stop this many ids before the end: SetTransactionIdLimit() and SetMultiXactIdLimit(). */
const databasesWith = (xidMargin: Sql, mxidMargin: Sql) => sql`
      select d.datname as database, d.datallowconn as allows_connections,
             d.xid_age, ${ofSetting(sql`d.xid_age`, sql`'autovacuum_freeze_max_age'`)} as xid_freeze_percent,
             ${percentOf(sql`d.xid_age`, WRAPAROUND)} as xid_wraparound_percent, greatest(${WRAPAROUND} - 1 - ${xidMargin} - d.xid_age, 0) as xids_left,
             d.mxid_age, ${ofSetting(sql`d.mxid_age`, sql`'autovacuum_multixact_freeze_max_age'`)} as mxid_freeze_percent,
             ${percentOf(sql`d.mxid_age`, WRAPAROUND)} as mxid_wraparound_percent, greatest(${WRAPAROUND} - 1 - ${mxidMargin} - d.mxid_age, 0) as mxids_left
        from (select o.*, pg_catalog.age(o.datfrozenxid)::bigint as xid_age, pg_catalog.mxid_age(o.datminmxid)::bigint as mxid_age
                from pg_catalog.pg_database o) d
       order by greatest(d.xid_age, d.mxid_age) desc, d.datname`;

export const agedDatabases = definePart({
  what: 'ages of databases',
  row: {
    database: z.string().meta({ names: 'database' }),
    allows_connections: z.boolean().describe('Autovacuum freezes also where nobody may connect.'),
    xid_age: z.int(),
    xid_freeze_percent: percent.describe('Of autovacuum_freeze_max_age, at which VACUUM is forced.'),
    xid_wraparound_percent: percent.describe('Of 2^31.'),
    xids_left: z.int().min(0).describe('Transactions that can still write before the server takes no more of them.'),
    mxid_age: z.int(),
    mxid_freeze_percent: percent.describe('Of autovacuum_multixact_freeze_max_age.'),
    mxid_wraparound_percent: percent,
    mxids_left: z.int().min(0).describe('Their members may run out earlier, which no view shows.'),
  },
  sql: byServerVersion({
    12: databasesWith(sql`1000000`, sql`100`),
    14: databasesWith(sql`3000000`, sql`3000000`),
  }),
});

/**
 * The session that a temporary schema belongs to goes by the number that ends its name, which views tell from PostgreSQL 16
 * on. On a standby it is one of the primary's.
 */
const OWN_SESSION = sql`case when p.relpersistence = 't' and not pg_catalog.pg_is_in_recovery() then (
               select pg_catalog.pg_stat_get_backend_pid(b.id)
                 from pg_catalog.pg_stat_get_backend_idset() b (id)
                where p.nspname = 'pg_temp_' || b.id
                  and pg_catalog.pg_stat_get_backend_dbid(b.id) = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())) end`;

const tablesWith = (temporaryOf: Sql) => sql`
      with server as materialized (${serverThresholds}
      ),
      relations as (
        select c.oid, n.nspname, coalesce(o.relname, c.relname) as relname, o.oid is not null as toast, c.relkind, c.relpersistence, c.relpages,
               c.relfrozenxid, c.relminmxid, coalesce(c.reloptions, o.reloptions) as reloptions
          from pg_catalog.pg_class c
          left join pg_catalog.pg_class o on o.reltoastrelid = c.oid and c.relkind = 't'
          join pg_catalog.pg_namespace n on n.oid = coalesce(o.relnamespace, c.relnamespace)
         where c.relkind in ('r', 'm', 't')
           and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)
           and ${matchesName(sql`coalesce(o.relname, c.relname)`, param('name'))}
      ),
      aged as (
        select r.*, case when not r.relfrozenxid = '0'::xid then pg_catalog.age(r.relfrozenxid) end as xid_age,
               case when not r.relminmxid = '0'::xid then pg_catalog.mxid_age(r.relminmxid) end as mxid_age,
               ${freezeAge(sql`freeze_max_age`)} as xid_at, ${freezeAge(sql`multixact_freeze_max_age`)} as mxid_at
          from relations r
         cross join server v
         cross join lateral (
           select case when r.reloptions is not null then (
             select pg_catalog.jsonb_object_agg(p.option_name, p.option_value) from pg_catalog.pg_options_to_table(r.reloptions) p) end as options) l
      ),
      page as materialized (
        select a.*, ${percentOf(sql`a.xid_age`, sql`a.xid_at`)} as xid_percent, ${percentOf(sql`a.mxid_age`, sql`a.mxid_at`)} as mxid_percent,
               pg_catalog.count(*) over () as total_rows
          from aged a
         order by greatest(a.xid_age::double precision / a.xid_at, a.mxid_age::double precision / a.mxid_at) desc nulls last, a.relpages desc, a.nspname, a.relname, a.toast
         limit ${param('limit')}
      )
      select p.nspname as schema, p.relname as table, case when p.toast then 'toast' when p.relkind = 'm' then 'materialized_view' else 'table' end as part,
             p.relpersistence = 't' as temporary, ${temporaryOf} as temporary_of, p.xid_age, p.xid_at as xid_age_at, p.xid_percent, p.mxid_age, p.mxid_at as mxid_age_at, p.mxid_percent,
             ${estimatedSize(sql`p.relpages`)} as size,
             greatest(pg_catalog.pg_stat_get_last_vacuum_time(p.oid), pg_catalog.pg_stat_get_last_autovacuum_time(p.oid)) as last_vacuum, p.total_rows
        from page p
       order by greatest(p.xid_percent, p.mxid_percent) desc nulls last, p.relpages desc, p.nspname, p.relname, p.toast`;

/** Also the catalogs and temporary tables: whichever is the oldest decides over the whole database. */
export const agedTables = definePart({
  what: 'ages of tables',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    part: z.enum(['table', 'materialized_view', 'toast']),
    temporary: z.boolean().describe('Of some session, which alone can vacuum it.'),
    temporary_of: z.int().nullable().describe('The pid of that session; null where it is gone. PostgreSQL 16 on.'),
    xid_age: z.int().nullable(),
    xid_age_at: z.int().describe('VACUUM is forced beyond it: the setting, or a lower storage parameter.'),
    xid_percent: percent.describe('Of that.'),
    mxid_age: z.int().nullable(),
    mxid_age_at: z.int(),
    mxid_percent: percent,
    size: z
      .int()
      .min(0)
      .meta({ unit: 'bytes' })
      .describe('As of the last VACUUM or ANALYZE: what freezing may have to read.'),
    last_vacuum: z.iso.datetime().nullable().describe('Also by autovacuum.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({ 12: tablesWith(sql`null::integer`), 16: tablesWith(OWN_SESSION) }),
});
export type AgedTable = RowOf<typeof agedTables>;
