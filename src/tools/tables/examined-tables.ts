import { isUserSchema, matchesName, param, partitionMembers, sql, type Sql } from '../kit/index.ts';

/** What statistics there are is asked for each column, so that it is done for so many of the largest tables. */
const LOOKED_INTO = sql`1000`;

/** What is asked about statistics, by version. */
export interface Since {
  /** Whether 0 in reltuples can mean that nobody has counted yet: from 14 on that is -1. */
  readonly zeroIsUnknown: Sql;
  /** Of `m`, a partitioned table whose columns are hidden, whether it was never analysed; null where that does not show. */
  readonly neverAsWhole: Sql;
  /** Whether ANALYZE has made what `s`, a row of pg_statistic_ext of the relation `e`, describes. */
  readonly built: Sql;
  /** Whether ANALYZE is to make it. */
  readonly wanted: Sql;
}

const view = (condition: Sql) =>
  sql`exists (select from pg_catalog.pg_stats_ext v where v.statistics_schemaname = sn.nspname and v.statistics_name = s.stxname and ${condition})`;

// which kinds found nothing, and which were never looked for, is the same before 15, but for the numbers of distinct values
const since12: Since = {
  zeroIsUnknown: sql`true`,
  neverAsWhole: sql`null::boolean`,
  built: sql`(not 'd' = any (s.stxkind) or ${view(sql`v.n_distinct is not null`)})`,
  wanted: sql`true`,
};
const since13: Since = { ...since12, wanted: sql`s.stxstattarget is distinct from 0` };
const since14: Since = { ...since13, zeroIsUnknown: sql`false`, neverAsWhole: sql`m.reltuples < 0` };

/** By the version that they came with. */
export const STATISTICS = {
  12: since12,
  13: since13,
  14: since14,
  15: { ...since14, built: view(sql`v.inherited = (e.relkind = 'p')`) },
} as const satisfies Readonly<Record<number, Since>>;

/**
 * The head of a `with recursive` list: `filled`, all tables with how many rows they are known to have, partitions counted
 * in; `examined`, the largest of them.
 */
export const examinedTables = ({ zeroIsUnknown }: Since) => sql`listed as materialized (
        select c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.reltuples, c.relowner, c.reltoastrelid,
               c.reltuples > 0 or (c.reltuples = 0 and (c.relpages > 0 or not ${zeroIsUnknown})) as counted,
               c.relrowsecurity and pg_catalog.row_security_active(c.oid) as by_rows
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'm', 'p', 'f') and c.relpersistence <> 't'
           and ${isUserSchema(sql`n.nspname`)}
           and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)
           and ${matchesName(sql`c.relname`, param('name'))}
      ),
      roots as (
        select l.oid from listed l where l.relkind = 'p'
      ),
      ${partitionMembers},
      wholes as materialized (
        select m.root, pg_catalog.sum(greatest(c.reltuples, 0))::double precision as tuples, pg_catalog.sum(pg_catalog.pg_stat_get_live_tuples(c.oid))::bigint as live
          from members m
          join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'f')
         group by m.root
      ),
      filled as materialized (
        select l.*, case when l.relkind = 'p' then coalesce(w.tuples, 0) when l.counted then l.reltuples::double precision end as tuples,
               coalesce(w.live, pg_catalog.pg_stat_get_live_tuples(l.oid)) as live
          from listed l
          left join wholes w on w.root = l.oid
      ),
      examined as materialized (
        select f.*, pg_catalog.count(*) over () as all_tables
          from filled f
         where f.relkind in ('r', 'm', 'p') and greatest(f.tuples, f.live) > 0
         order by greatest(f.tuples, f.live) desc, f.oid
         limit ${LOOKED_INTO}
      )`;

/** Whether statistics of this column of `e` may be seen: https://www.postgresql.org/docs/current/view-pg-stats.html */
export function isVisible(relation: Sql): Sql {
  return sql`(not e.by_rows and coalesce(pg_catalog.has_column_privilege(${relation}, a.attnum, 'SELECT'), false))`;
}

/** Of `a`, a column: whether ANALYZE keeps statistics of it. */
export const keepsStatistics = sql`not a.attisdropped and coalesce(a.attstattarget, -1) <> 0 and a.attgenerated <> 'v'`;

/** Of `e`, whether extended statistics may be seen, which is what the strictest of the releases of the view asks for. */
export const extendedVisible = sql`(pg_catalog.pg_has_role(e.relowner, 'USAGE') and not e.by_rows)`;

/** Indexes on expressions of `e`; a partial one may hold no row, and so have no statistics. */
export const expressionIndexes = sql`pg_catalog.pg_index i
          join pg_catalog.pg_class x on x.oid = i.indexrelid and x.relkind = 'i' and i.indexprs is not null and i.indpred is null and i.indisvalid`;
