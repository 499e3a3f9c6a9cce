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
  partitionMembers,
  percentOf,
  perSecond,
  schemaInput,
  sql,
  type NotExamined,
  type Sql,
} from '../kit/index.ts';

const count = z.int().min(0).nullable();
const rate = z.number().min(0).nullable();
const time = z.iso.datetime().nullable();

const PRIMARY_ONLY: NotExamined = {
  what: 'rows written, live and dead rows, changes since vacuum and analyze',
  reason: 'This server is a standby: it counts its own scans and the rows that they read, and nothing else.',
  remedy: 'Ask the primary.',
};

interface Since {
  readonly lastScan: Sql;
  readonly newPage: Sql;
  readonly inserts: Sql;
}

/** Sums of one table and its partitions, of the functions behind https://www.postgresql.org/docs/current/monitoring-stats.html */
function sum(name: Sql): Sql {
  return sql`pg_catalog.sum(pg_catalog.${name}(c.oid))::bigint`;
}

const since12: Since = {
  lastScan: sql`null::timestamp with time zone`,
  newPage: sql`null::bigint`,
  inserts: sql`null::bigint`,
};
const since13: Since = { ...since12, inserts: sum(sql`pg_stat_get_ins_since_vacuum`) };
const since16: Since = {
  ...since13,
  lastScan: sql`pg_catalog.pg_stat_get_lastscan(e.oid)`,
  newPage: sum(sql`pg_stat_get_tuples_newpage_updated`),
};

export default defineDiagnostic({
  name: 'table_statistics',
  area: 'tables',
  title: 'Table statistics',
  description: 'Scans, rows read and written, HOT updates, dead rows, rates.',
  alsoKnownAs: { get_all_tables_stats: { database_name: 'database', include_system: 'include_system' } },
  judges: false,
  input: {
    schema: schemaInput,
    name: nameInput,
    order_by: z.enum(['scans', 'reads', 'writes', 'dead_rows', 'name']).default('scans'),
    include_system: z.boolean().default(false),
    partitions: z.boolean().default(false).describe('List each partition, and not its parent.'),
  },
  seldom: ['include_system', 'partitions'],
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    seq_scan: count,
    last_seq_scan: time.describe('PostgreSQL 16 on.'),
    seq_tup_read: count,
    idx_scan: count.describe('Null where there is no index.'),
    last_idx_scan: time.describe('PostgreSQL 16 on.'),
    idx_tup_fetch: count,
    n_tup_ins: count,
    n_tup_upd: count,
    n_tup_del: count,
    n_tup_hot_upd: count.describe('Updates that no index had to be told of.'),
    n_tup_newpage_upd: count.describe('Updates that found no room beside the old row; PostgreSQL 16 on.'),
    n_live_tup: count,
    n_dead_tup: count,
    dead_percent: z.number().nullable().meta({ unit: 'percent' }).describe('Of live and dead rows together.'),
    n_ins_since_vacuum: count.describe('PostgreSQL 13 on.'),
    n_mod_since_analyze: count,
    reads_per_s: rate.describe('Rows read, on average since counted_since; too low for a table that is younger.'),
    writes_per_s: rate.describe('Rows inserted, updated and deleted, likewise.'),
    partitions: count.describe('Null where there can be none.'),
  },
  about: aboutCounting,
  counted: true,
  sql: (params) => {
    const statistics = ({ lastScan, newPage, inserts }: Since) => sql`
      with recursive listed as materialized (
        select c.oid, n.nspname, c.relname, c.relkind
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where (c.relkind in ('r', 'm', 'p') or (c.relkind = 't' and ${params.include_system}::boolean))
           and c.relpersistence <> 't'
           and case when ${params.partitions}::boolean then c.relkind <> 'p' else not c.relispartition end
           and (${params.include_system}::boolean or ${isUserSchema(sql`n.nspname`)})
           and (${params.schema}::text is null or n.nspname = ${params.schema}::text)
           and ${matchesName(sql`c.relname`, params.name)}
      ),
      roots as (
        select l.oid from listed l
      ),
      ${partitionMembers},
      tables as materialized (
        select m.root, c.oid from members m join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'm', 't')
      ),
      scanned as (
        select t.root, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(e.oid))::bigint as idx_scan,
               pg_catalog.sum(pg_catalog.pg_stat_get_tuples_fetched(e.oid))::bigint as idx_tup_fetch, pg_catalog.max(${lastScan}) as last_idx_scan
          from tables t
          join pg_catalog.pg_index i on i.indrelid = t.oid
         cross join lateral (select i.indexrelid as oid) e
         group by t.root
      ),
      counted as (
        select c.root, ${sum(sql`pg_stat_get_numscans`)} as seq_scan, ${sum(sql`pg_stat_get_tuples_returned`)} as seq_tup_read,
               ${sum(sql`pg_stat_get_tuples_fetched`)} as idx_tup_fetch, pg_catalog.max(${lastScan}) as last_seq_scan,
               ${sum(sql`pg_stat_get_tuples_inserted`)} as n_tup_ins, ${sum(sql`pg_stat_get_tuples_updated`)} as n_tup_upd,
               ${sum(sql`pg_stat_get_tuples_deleted`)} as n_tup_del, ${sum(sql`pg_stat_get_tuples_hot_updated`)} as n_tup_hot_upd,
               ${newPage} as n_tup_newpage_upd, ${sum(sql`pg_stat_get_live_tuples`)} as n_live_tup, ${sum(sql`pg_stat_get_dead_tuples`)} as n_dead_tup,
               ${inserts} as n_ins_since_vacuum, ${sum(sql`pg_stat_get_mod_since_analyze`)} as n_mod_since_analyze, pg_catalog.count(*) as members
          from tables c
         cross join lateral (select c.oid) e
         group by c.root
      ),
      -- of what was written, a standby counts nothing
      told as (
        select l.nspname, l.relname, l.relkind, coalesce(c.members, 0) as members, s.idx_scan, s.last_idx_scan, c.seq_scan, c.last_seq_scan, c.seq_tup_read,
               s.idx_tup_fetch + c.idx_tup_fetch as idx_tup_fetch, coalesce(c.seq_scan, 0) + coalesce(s.idx_scan, 0) as scans,
               coalesce(c.seq_tup_read, 0) + coalesce(s.idx_tup_fetch + c.idx_tup_fetch, 0) as reads, p.*
          from listed l
          left join counted c on c.root = l.oid
          left join scanned s on s.root = l.oid
          left join lateral (
            select c.n_tup_ins, c.n_tup_upd, c.n_tup_del, c.n_tup_hot_upd, c.n_tup_newpage_upd, c.n_live_tup, c.n_dead_tup, c.n_ins_since_vacuum,
                   c.n_mod_since_analyze, c.n_tup_ins + c.n_tup_upd + c.n_tup_del as writes
          ) p on not pg_catalog.pg_is_in_recovery()
      )
      select t.nspname as schema, t.relname as table, t.seq_scan, t.last_seq_scan, t.seq_tup_read, t.idx_scan, t.last_idx_scan, t.idx_tup_fetch,
             t.n_tup_ins, t.n_tup_upd, t.n_tup_del, t.n_tup_hot_upd, t.n_tup_newpage_upd, t.n_live_tup, t.n_dead_tup,
             ${percentOf(sql`t.n_dead_tup`, sql`(t.n_live_tup + t.n_dead_tup)`)} as dead_percent, t.n_ins_since_vacuum, t.n_mod_since_analyze,
             ${perSecond(sql`t.reads`, sql`w.counted_s`)} as reads_per_s, ${perSecond(sql`t.writes`, sql`w.counted_s`)} as writes_per_s,
             case when t.relkind = 'p' then t.members end as partitions, w.counted_since, w.counted_s, w.track_counts,
             pg_catalog.count(*) over () as total_rows
        from told t
       cross join (${counting}) w
       order by case ${params.order_by}::text when 'scans' then t.scans when 'reads' then t.reads when 'writes' then t.writes
                                              when 'dead_rows' then t.n_dead_tup end desc nulls last, t.nspname, t.relname
       limit ${params.limit}`;
    return byServerVersion({ 12: statistics(since12), 13: statistics(since13), 16: statistics(since16) });
  },
  notExamined: (_, { about, facts }) => [...notCounting(about), ...(facts.inRecovery ? [PRIMARY_ONLY] : [])],
});
