import { z } from 'zod';
import {
  estimatedSize,
  isUserSchema,
  lockedRelations,
  partitionMembers,
  sql,
  type Param,
  type Sql,
} from '../kit/index.ts';
import { indexShape, isPrefix, sameKeys } from './index-shape.ts';
import type { Scope } from './scope.ts';

const count = z.int().min(0);

export const duplicateIndex = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  index: z.string().meta({ names: 'index' }),
  overlap: z.enum(['duplicate', 'prefix']).describe('Prefix: its keys are the first keys of the one to keep.'),
  kept: z.string().meta({ names: 'index' }).describe('An index of the same table that does all that this one does.'),
  definition: z.string().nullable().meta({ names: 'text' }),
  kept_definition: z.string().nullable().meta({ names: 'text' }),
  size: count.meta({ unit: 'bytes' }),
  kept_size: count.meta({ unit: 'bytes' }),
  size_estimated: z.boolean(),
  scans: count.describe('On this server, since its counters were reset.'),
  kept_scans: count,
  table_writes: count
    .nullable()
    .describe('Rows inserted, updated and deleted, each of which may have written to it; null on a standby.'),
  clustered: z.boolean().describe('CLUSTER orders the table by it.'),
  partitions: count.nullable().describe('Indexes of partitions that are counted in; null when the table has none.'),
};
export type DuplicateIndex = z.output<z.ZodObject<typeof duplicateIndex>>;

/** Of the index of pair `p` that has this oid, or of its partitions' indexes together; nothing to join, for thousands of pairs. */
function measured(index: Sql, estimateSizes: Sql | Param): Sql {
  return sql`
          select pg_catalog.sum(pg_catalog.pg_stat_get_numscans(s.oid))::bigint as scans, pg_catalog.bool_or(s.estimated) as estimated,
                 pg_catalog.count(*) as partitions,
                 pg_catalog.sum(case when s.estimated then ${estimatedSize(sql`s.relpages`)} else pg_catalog.pg_relation_size(s.oid) end)::bigint as size,
                 pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(s.indrelid) + pg_catalog.pg_stat_get_tuples_updated(s.indrelid)
                                + pg_catalog.pg_stat_get_tuples_deleted(s.indrelid))::bigint as writes
            from (select c.oid, c.relpages, i.indrelid,
                         ${estimateSizes}::boolean or exists (select from locked l where l.oid in (c.oid, i.indrelid, p.indrelid)) as estimated
                    from (select ${index} as oid where p.relkind <> 'I'
                          union all
                          select m.oid from members m where m.root = ${index} and p.relkind = 'I') e
                    join pg_catalog.pg_class c on c.oid = e.oid and c.relkind = 'i'
                    join pg_catalog.pg_index i on i.indexrelid = c.oid) s`;
}

/** Selects `duplicateIndex`, and how many there are as `total_rows`; `among` names i of pg_index and n of pg_namespace. */
export function duplicateIndexesOf({ among, minSize, limit, estimateSizes }: Scope & { minSize: Sql | Param }): Sql {
  return sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      shapes as materialized (
        select i.indexrelid, i.indrelid, n.nspname, t.relname, c.relname as index, c.relkind, c.relam, c.relispartition, i.indisclustered,
               -- what a constraint, a foreign key to the table or the replica identity needs is one of these
               i.indisunique or i.indisexclusion as needed,${indexShape}
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid
          join pg_catalog.pg_class t on t.oid = i.indrelid
          join pg_catalog.pg_namespace n on n.oid = t.relnamespace
         where t.relpersistence <> 't'
           and ${isUserSchema(sql`n.nspname`)}
           and ${among}
           and i.indisvalid and i.indisready and i.indislive
      ),
      covered as materialized (
        select a.indexrelid as oid, b.indexrelid as kept, a.keys = b.keys as duplicate, a.indrelid, a.nspname, a.relname, a.index, a.relkind,
               a.indisclustered, b.index as kept_index, b.needed as kept_needed
          from shapes a
          join shapes b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
         where not a.needed and not a.relispartition and a.included <@ b.columns
           and (${isPrefix(sql`a`, sql`b`)}
                or (${sameKeys(sql`a`, sql`b`)}
                    -- of two that are alike in everything, one stays
                    and (b.needed or b.relispartition or not b.included <@ a.columns
                         or (b.indisclustered, a.indexrelid) > (a.indisclustered, b.indexrelid))))
      ),
      pairs as materialized (
        select distinct on (v.oid) v.*
          from covered v
         where v.kept not in (select w.oid from covered w)
         order by v.oid, v.duplicate desc, v.kept_needed desc, v.kept_index
      ),
      roots as (
        select p.oid from pairs p where p.relkind = 'I' union select p.kept from pairs p where p.relkind = 'I'
      ),
      ${partitionMembers},
      judged as (
        select p.*, coalesce(m.size, 0) as size, coalesce(k.size, 0) as kept_size, coalesce(m.scans, 0) as scans, coalesce(k.scans, 0) as kept_scans,
               coalesce(m.writes, 0) as writes, m.partitions,
               ${estimateSizes}::boolean or coalesce(m.estimated or k.estimated, false)
                 or exists (select from locked l where l.oid in (p.oid, p.kept, p.indrelid)) as estimated
          from pairs p
         cross join lateral (${measured(sql`p.oid`, estimateSizes)}) m
         cross join lateral (${measured(sql`p.kept`, estimateSizes)}) k
      )
      select j.nspname as schema, j.relname as table, j.index, case when j.duplicate then 'duplicate' else 'prefix' end as overlap, j.kept_index as kept,
             -- it opens the table, which waits for a lock on it
             case when not j.estimated then pg_catalog.pg_get_indexdef(j.oid) end as definition,
             case when not j.estimated then pg_catalog.pg_get_indexdef(j.kept) end as kept_definition,
             j.size, j.kept_size, j.estimated as size_estimated, j.scans, j.kept_scans,
             case when not pg_catalog.pg_is_in_recovery() then j.writes end as table_writes,
             j.indisclustered as clustered, case when j.relkind = 'I' then j.partitions end as partitions,
             pg_catalog.count(*) over () as total_rows
        from judged j
       where j.size >= ${minSize}::bigint
       order by j.size desc, j.nspname, j.relname, j.index
       limit ${limit}`;
}
