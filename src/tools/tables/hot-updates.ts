import { z } from 'zod';
import {
  aboutCounting,
  byServerVersion,
  counting,
  defineDiagnostic,
  isUserSchema,
  matchesName,
  nameInput,
  notCounting,
  percentOf,
  perSecond,
  schemaInput,
  sql,
  type Sql,
} from '../kit/index.ts';
import { hotRow } from './hot-row.ts';
import { judgeHotUpdates, UPDATED_ON_PRIMARY } from './judge-hot-updates.ts';

/** Indexes of table `t` that have to be told of an update of their columns: those of BRIN need not, from 16 on. */
function indexesOf(kept: Sql): Sql {
  return sql`pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = t.oid and i.indisready and ${kept}`;
}

export default defineDiagnostic({
  name: 'hot_updates',
  area: 'tables',
  title: 'HOT updates',
  description: 'Share of updates that spare the indexes (HOT), and what prevents it.',
  input: { schema: schemaInput, name: nameInput },
  thresholds: {
    min_hot_percent: z.number().min(0).max(100).default(50).describe('Report tables with a lower share.'),
    min_updates: z.int().min(1).default(10_000).describe('Findings leave out tables with fewer updates.'),
  },
  row: hotRow,
  about: aboutCounting,
  counted: true,
  sql: ({ schema, name, limit }) => {
    const updates = (newPage: Sql, kept: Sql) => sql`
      with tables as materialized (
        select c.oid, n.nspname, c.relname, c.reloptions, pg_catalog.pg_stat_get_tuples_updated(c.oid) as updated,
               pg_catalog.pg_stat_get_tuples_hot_updated(c.oid) as hot
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'r' and c.relpersistence <> 't'
           and ${isUserSchema(sql`n.nspname`)}
           and (${schema}::text is null or n.nspname = ${schema}::text)
           and ${matchesName(sql`c.relname`, name)}
           and pg_catalog.pg_stat_get_tuples_updated(c.oid) > 0
      ),
      page as materialized (
        select t.*, ${newPage} as new_page, pg_catalog.count(*) over () as total_rows
          from tables t
         order by t.updated - t.hot desc, t.nspname, t.relname
         limit ${limit}
      )
      select t.nspname as schema, t.relname as table, t.updated as n_tup_upd, t.hot as n_tup_hot_upd, ${percentOf(sql`t.hot`, sql`t.updated`)} as hot_percent,
             t.new_page as n_tup_newpage_upd, ${percentOf(sql`t.new_page`, sql`t.updated`)} as newpage_percent,
             -- the row that stayed on its page, and yet was not HOT
             ${percentOf(sql`case when t.new_page is not null then greatest(t.updated - t.hot - t.new_page, 0) end`, sql`t.updated`)} as indexed_percent,
             ${perSecond(sql`t.updated`, sql`w.counted_s`)} as updates_per_s, pg_catalog.pg_stat_get_live_tuples(t.oid) as n_live_tup,
             coalesce((select o.option_value::integer from pg_catalog.pg_options_to_table(t.reloptions) o where o.option_name = 'fillfactor'), 100) as fillfactor,
             (select pg_catalog.count(*) from ${indexesOf(kept)}) as indexes,
             pg_catalog.to_json(array(
               select x.relname from ${indexesOf(kept)} and not (i.indisunique or i.indisexclusion) and pg_catalog.pg_stat_get_numscans(x.oid) = 0 order by 1
             )) as unscanned_indexes,
             w.counted_since, w.counted_s, w.track_counts, t.total_rows
        from page t
       cross join (${counting}) w
       order by t.updated - t.hot desc, t.nspname, t.relname`;
    return byServerVersion({
      12: updates(sql`null::bigint`, sql`true`),
      16: updates(sql`pg_catalog.pg_stat_get_tuples_newpage_updated(t.oid)`, sql`x.relam <> 3580`),
    });
  },
  findings: judgeHotUpdates,
  notExamined: (_, { about, facts }) => [...notCounting(about), ...(facts.inRecovery ? [UPDATED_ON_PRIMARY] : [])],
});
