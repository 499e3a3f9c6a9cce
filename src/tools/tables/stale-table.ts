import { z } from 'zod';
import { byServerVersion, definePart, lockedRelations, param, percentOf, sql, type RowOf } from '../kit/index.ts';
import {
  examinedTables,
  expressionIndexes,
  extendedVisible,
  isVisible,
  keepsStatistics,
  STATISTICS,
  type Since,
} from './examined-tables.ts';

const REASONS = ['never_analyzed', 'columns', 'expressions', 'extended', 'changed'] as const;

const count = z.int().min(0).nullable();
const time = z.iso.datetime().nullable();

/** https://www.postgresql.org/docs/current/planner-stats.html */
const stale = (since: Since) => sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      ${examinedTables(since)},
      columns as materialized (
        select e.oid, pg_catalog.count(*) as columns, pg_catalog.count(*) filter (where a.attname = any (p.names)) as analyzed,
               pg_catalog.bool_and(${isVisible(sql`e.oid`)}) as visible
          from examined e
         cross join lateral (
           select pg_catalog.array_agg(p.attname) as names
             from pg_catalog.pg_stats p
            where p.schemaname = e.nspname and p.tablename = e.relname and p.inherited = (e.relkind = 'p')
         ) p
          join pg_catalog.pg_attribute a on a.attrelid = e.oid and a.attnum > 0 and ${keepsStatistics}
         group by e.oid
      ),
      expressions as materialized (
        select e.oid, pg_catalog.array_agg(x.relname::text order by x.relname) as unbuilt
          from examined e
          join ${expressionIndexes} on i.indrelid = e.oid
         where not exists (select from pg_catalog.pg_stats p where p.schemaname = e.nspname and p.tablename = x.relname)
           and not exists (
             select from pg_catalog.pg_attribute a where a.attrelid = x.oid and a.attnum > 0 and not ${isVisible(sql`x.oid`)})
         group by e.oid
      ),
      extended as materialized (
        select e.oid, pg_catalog.array_agg(s.stxname::text order by s.stxname) as unbuilt
          from examined e
          join pg_catalog.pg_statistic_ext s on s.stxrelid = e.oid and ${since.wanted}
          join pg_catalog.pg_namespace sn on sn.oid = s.stxnamespace
         where ${extendedVisible} and not ${since.built}
         group by e.oid
      ),
      measured as (
        select f.*, c.columns, c.analyzed, coalesce(c.visible, false) as visible, x.unbuilt as expressions, d.unbuilt as extended, w.unlocked,
               case when not f.counted and f.relkind in ('r', 'm') and w.unlocked then pg_catalog.pg_relation_size(f.oid) end as heap_size,
               case when f.relkind <> 'p' and not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_stat_get_mod_since_analyze(f.oid) end as changes,
               -- of a partitioned table nobody counts the changes, but ANALYZE counts its rows
               case when f.relkind = 'p' and f.counted then pg_catalog.abs(f.tuples - f.reltuples) end as drift
          from filled f
          left join columns c on c.oid = f.oid
          left join expressions x on x.oid = f.oid
          left join extended d on d.oid = f.oid
         cross join lateral (
           select not ${param('estimate_sizes')}::boolean and not exists (
             select from locked k
              where k.oid in (f.oid, f.reltoastrelid)
                 or k.oid in (select i.indexrelid from pg_catalog.pg_index i where i.indrelid in (f.oid, f.reltoastrelid))) as unlocked
         ) w
      ),
      compared as (
        select m.*, ${percentOf(sql`coalesce(m.changes, m.drift)`, sql`greatest(case when m.counted then m.reltuples end, 1)`)} as changed_percent,
               case m.relkind when 'f' then not m.counted
                              when 'p' then greatest(m.tuples, m.live) > 0 and case when m.visible then m.analyzed = 0 else ${since.neverAsWhole} end
                              else coalesce(m.heap_size > 0 or (m.tuples > 0 and m.visible and m.analyzed = 0), false) end as never
          from measured m
      ),
      judged as (
        select c.*, pg_catalog.array_remove(array[
                 case when c.never then 'never_analyzed' end,
                 case when not c.never and c.visible and c.analyzed < c.columns then 'columns' end,
                 case when not c.never and c.expressions <> '{}' then 'expressions' end,
                 case when not c.never and c.extended <> '{}' then 'extended' end,
                 case when not c.never and c.changed_percent >= ${param('changed_percent')}::double precision then 'changed' end], null) as reasons
          from compared c
      ),
      page as materialized (
        select j.*, pg_catalog.count(*) over () as total_rows,
               pg_catalog.row_number() over (order by j.never desc nulls last, greatest(j.tuples, j.live) desc nulls last, j.heap_size desc nulls last,
                                             j.nspname, j.relname) as place
          from judged j
         where j.reasons <> '{}'
         order by place
         limit ${param('limit')}
      )
      select p.nspname as schema, p.relname as table,
             case when p.relispartition then 'partition'
                  else case p.relkind when 'r' then 'table' when 'p' then 'partitioned_table' when 'm' then 'materialized_view' else 'foreign_table' end end as kind,
             pg_catalog.to_json(p.reasons) as reasons, pg_catalog.round(p.tuples)::bigint as rows,
             case when p.relkind <> 'f' and not pg_catalog.pg_is_in_recovery() then p.live end as n_live_tup,
             p.changes as n_mod_since_analyze, p.changed_percent,
             pg_catalog.pg_stat_get_last_analyze_time(p.oid) as last_analyze, pg_catalog.pg_stat_get_last_autoanalyze_time(p.oid) as last_autoanalyze,
             case when p.visible then p.columns - p.analyzed end as columns_without,
             pg_catalog.to_json(coalesce(p.expressions, '{}') || coalesce(p.extended, '{}')) as not_built,
             pg_catalog.to_json(array(
               select pg_catalog.quote_ident(a.attname) || ' ' || a.attstattarget
                 from pg_catalog.pg_attribute a
                where a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped and a.attstattarget >= 0
                order by a.attnum)) as targets,
             case when p.heap_size is not null then pg_catalog.pg_total_relation_size(p.oid) end as size,
             p.counted,
             coalesce((
               select pg_catalog.lower(o.option_value) in ('true', 'on', 'yes', '1')
                 from pg_catalog.pg_foreign_table t
                 join pg_catalog.pg_foreign_server v on v.oid = t.ftserver
                cross join lateral (
                  select u.*, 1 as nearness from pg_catalog.pg_options_to_table(t.ftoptions) u
                  union all
                  select u.*, 2 from pg_catalog.pg_options_to_table(v.srvoptions) u
                ) o
                where t.ftrelid = p.oid and o.option_name = 'use_remote_estimate'
                order by o.nearness
                limit 1), false) as remote_estimate,
             p.total_rows
        from page p
       order by p.place`;

export const staleTables = definePart({
  what: 'tables and what is known of their contents',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    kind: z.enum(['table', 'partition', 'partitioned_table', 'materialized_view', 'foreign_table']),
    reasons: z
      .array(z.enum(REASONS))
      .describe(
        'What has no statistics: all, columns that came later, indexed expressions, CREATE STATISTICS; or much was changed since.',
      ),
    rows: count.describe('As of the last VACUUM or ANALYZE; of a partitioned table, those of its partitions.'),
    n_live_tup: count,
    n_mod_since_analyze: count,
    changed_percent: z
      .number()
      .nullable()
      .meta({ unit: 'percent' })
      .describe('Of the rows; of a partitioned table, by how much their number has changed since its last ANALYZE.'),
    last_analyze: time,
    last_autoanalyze: time.describe('Autovacuum does neither partitioned nor foreign tables.'),
    columns_without: count.describe('Columns without statistics; null where the login does not see them.'),
    not_built: z
      .array(z.string())
      .describe('Indexes on expressions, and extended statistics, that ANALYZE has still to see.'),
    targets: z.array(z.string()).describe('Columns with a statistics target of their own; 0 keeps none.'),
    size: count,
    counted: z.boolean(),
    remote_estimate: z.boolean(),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: stale(STATISTICS[12]),
    13: stale(STATISTICS[13]),
    14: stale(STATISTICS[14]),
    15: stale(STATISTICS[15]),
  }),
});
export type StaleTable = RowOf<typeof staleTables>;
