import {
  byServerVersion,
  estimatedSize,
  isUserSchema,
  lockedRelations,
  partitionMembers,
  sql,
  type Param,
  type Sql,
} from '../kit/index.ts';
import { counters } from './index-row.ts';
import { keptForKeys } from './kept-for-keys.ts';
import type { Scope } from './scope.ts';

interface UnusedScope extends Scope {
  readonly maxScans: Sql | Param;
  readonly minSize: Sql | Param;
}

/** Selects `indexRow` and `aboutCounters`, and how many there are as `total_rows`; `among` names i of pg_index and n of pg_namespace. */
export function unusedIndexesOf(scope: UnusedScope) {
  // last_idx_scan came with PostgreSQL 16
  return byServerVersion({
    12: select(scope, sql`null::timestamp with time zone`),
    16: select(scope, sql`pg_catalog.pg_stat_get_lastscan(c.oid)`),
  });
}

function select({ among, maxScans, minSize, limit, estimateSizes }: UnusedScope, lastScan: Sql): Sql {
  return sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      candidates as materialized (
        select i.indexrelid, i.indrelid, n.nspname, t.relname, c.relname as index, c.relkind,
               i.indisclustered, i.indexprs is not null as has_expressions
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid
          join pg_catalog.pg_class t on t.oid = i.indrelid
          join pg_catalog.pg_namespace n on n.oid = t.relnamespace
         where c.relkind in ('i', 'I') and not c.relispartition
           and ${isUserSchema(sql`n.nspname`)}
           and ${among}
           and i.indisvalid and i.indisready and i.indislive
           -- primary keys, unique constraints and replica identities have unique indexes
           and not (i.indisunique or i.indisexclusion)
      ),
      roots as (
        select c.indexrelid as oid from candidates c
      ),
      ${partitionMembers},
      scanned as (
        select m.root, c.oid, c.relpages, i.indrelid, pg_catalog.pg_stat_get_numscans(c.oid) as scans, ${lastScan} as last_scan,
               ${estimateSizes}::boolean or exists (select from locked l where l.oid in (c.oid, i.indrelid, r.indrelid)) as estimated
          from members m
          join candidates r on r.indexrelid = m.root
          join pg_catalog.pg_class c on c.oid = m.oid and c.relkind = 'i'
          join pg_catalog.pg_index i on i.indexrelid = c.oid
      ),
      grouped as materialized (
        select s.root, pg_catalog.sum(s.scans)::bigint as scans, pg_catalog.max(s.last_scan) as last_scan,
               pg_catalog.bool_or(s.estimated) as size_estimated, pg_catalog.count(*) filter (where s.oid <> s.root) as partitions,
               pg_catalog.sum(case when s.estimated then ${estimatedSize(sql`s.relpages`)} else pg_catalog.pg_relation_size(s.oid) end)::bigint as size,
               case when not pg_catalog.pg_is_in_recovery()
                    then pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(s.indrelid) + pg_catalog.pg_stat_get_tuples_updated(s.indrelid)
                                        + pg_catalog.pg_stat_get_tuples_deleted(s.indrelid))::bigint end as table_writes
          from scanned s
         group by s.root
        having pg_catalog.sum(s.scans) <= ${maxScans}::bigint
      ),
      rare as materialized (
        select g.* from grouped g where g.size >= ${minSize}::bigint
      ),
      ${keptForKeys}
      select c.nspname as schema, c.relname as table, c.index,
             -- it opens the table, so it would wait for a lock on it
             case when not r.size_estimated then pg_catalog.pg_get_indexdef(c.indexrelid) end as definition,
             r.size, r.size_estimated, r.scans, r.last_scan, r.table_writes,
             case when c.relkind = 'I' then r.partitions end as partitions,
             pg_catalog.to_json(array(
               select k.conname from kept k where k.root = c.indexrelid group by k.key, k.conname order by 1)) as supports_foreign_keys,
             c.has_expressions,
             c.indisclustered as clustered, b.counted_since, b.counted_s, b.track_counts, b.standbys,
             pg_catalog.count(*) over () as total_rows
        from rare r
        join candidates c on c.indexrelid = r.root
       cross join (${counters}) b
       order by r.size desc, c.nspname, c.index
       limit ${limit}`;
}
