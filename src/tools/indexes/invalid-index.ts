import { z } from 'zod';
import { estimatedSize, lockedRelations, sql, type Sql } from '../kit/index.ts';
import { indexShape, sameKeys } from './index-shape.ts';
import type { Scope } from './scope.ts';

const CAUSES = ['failed_build', 'reindex_new', 'reindex_old', 'unfinished_drop', 'partitioned'] as const;

export const invalidIndex = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  index: z.string().meta({ names: 'index' }),
  cause: z
    .enum(CAUSES)
    .describe(
      'failed_build: a concurrent build or drop did not finish; reindex_new, reindex_old: what REINDEX CONCURRENTLY left, by its name; partitioned: some partition lacks a valid one.',
    ),
  valid: z.boolean().describe('Queries use it.'),
  ready: z.boolean().describe('Writes maintain it.'),
  live: z.boolean(),
  unique: z.boolean(),
  definition: z.string().nullable().meta({ names: 'text' }),
  size: z.int().min(0).nullable().meta({ unit: 'bytes' }).describe('Null for the parent of partitions.'),
  size_estimated: z.boolean(),
  backs_constraint: z.string().nullable().meta({ names: 'constraint', withhold: 'value' }),
  exclusion: z.boolean(),
  same_as: z
    .string()
    .nullable()
    .meta({ names: 'index', withhold: 'value' })
    .describe('A valid index of the table with the same definition.'),
  attached: z.boolean().describe('It is a part of the index of a partitioned table.'),
  partitions_without: z.int().min(0).nullable().describe('Partitions of which no index is attached to it.'),
  first_without: z.string().nullable(),
  toast_of: z.string().nullable().describe('The table whose TOAST table it is an index of.'),
};
export type InvalidIndex = z.output<z.ZodObject<typeof invalidIndex>>;

/** Selects `invalidIndex`, and how many there are as `total_rows`; `among` names i of pg_index and n of pg_namespace. */
export function invalidIndexesOf({ among, limit, estimateSizes }: Scope): Sql {
  return sql`
      with locked as materialized (${lockedRelations}
      ),
      held as materialized (
        select l.pid, l.relation, l.mode
          from pg_catalog.pg_locks l
         where l.locktype = 'relation' and l.granted
           and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      ),
      broken as materialized (
        select i.*, n.nspname, c.relname as index, c.relkind, c.relam, c.relpages, c.relispartition, t.relname,
               ${estimateSizes}::boolean or exists (select from locked l where l.oid in (i.indexrelid, i.indrelid)) as estimated,
               (select k.conname from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x') limit 1) as backs,
               case when n.nspname = 'pg_toast' then (
                 select pg_catalog.quote_ident(q.nspname) || '.' || pg_catalog.quote_ident(o.relname)
                   from pg_catalog.pg_class o
                   join pg_catalog.pg_namespace q on q.oid = o.relnamespace
                  where o.reltoastrelid = i.indrelid) end as toast_of,${indexShape}
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          join pg_catalog.pg_class t on t.oid = i.indrelid
         where not (i.indisvalid and i.indisready and i.indislive)
           and c.relpersistence <> 't'
           and (n.nspname !~ '^pg_' or n.nspname = 'pg_toast') and n.nspname <> 'information_schema'
           and ${among}
           -- who builds an index has a lock on its table; which index that is, other roles are not told
           and not exists (
             select from pg_catalog.pg_stat_progress_create_index p
               join held h on h.pid = p.pid and h.relation = i.indrelid
              where p.index_relid is null or p.index_relid = i.indexrelid or (p.index_relid = 0 and p.command = 'CREATE INDEX CONCURRENTLY'))
           -- who reindexes or drops one has such a lock on the index itself
           and not exists (
             select from held h
              where h.relation = i.indexrelid
                and h.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
      )
      select b.nspname as schema, b.relname as table, b.index,
             case when b.relkind = 'I' then 'partitioned'
                  when b.backs is null and b.index ~ '_ccnew[0-9]*$' then 'reindex_new'
                  when b.backs is null and b.index ~ '_ccold[0-9]*$' then 'reindex_old'
                  when not b.indislive then 'unfinished_drop' else 'failed_build' end as cause,
             b.indisvalid as valid, b.indisready as ready, b.indislive as live, b.indisunique as unique,
             -- it opens the table, which waits for a lock on it
             case when not b.estimated then pg_catalog.pg_get_indexdef(b.indexrelid) end as definition,
             case when b.relkind = 'I' then null when b.estimated then ${estimatedSize(sql`b.relpages`)} else pg_catalog.pg_relation_size(b.indexrelid) end as size,
             b.estimated as size_estimated, b.backs as backs_constraint, b.indisexclusion as exclusion,
             (select s.relname
                from (select c.relname, c.relam, i.indisunique,${indexShape}
                        from pg_catalog.pg_index i
                        join pg_catalog.pg_class c on c.oid = i.indexrelid
                       where i.indrelid = b.indrelid and i.indexrelid <> b.indexrelid and i.indisvalid and i.indisready and i.indislive) s
               where ${sameKeys(sql`b`, sql`s`)} and b.included <@ s.columns and (s.indisunique or not b.indisunique)
               order by s.relname
               limit 1) as same_as,
             b.relispartition as attached,
             case when b.relkind = 'I' then coalesce(w.partitions, 0) end as partitions_without, w.first as first_without, b.toast_of,
             pg_catalog.count(*) over () as total_rows
        from broken b
        left join lateral (
          select pg_catalog.count(*) as partitions, pg_catalog.min(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.relname)) as first
            from pg_catalog.pg_inherits h
            join pg_catalog.pg_class p on p.oid = h.inhrelid and p.relkind in ('r', 'p')
            join pg_catalog.pg_namespace n on n.oid = p.relnamespace
           where h.inhparent = b.indrelid
             and not exists (select from pg_catalog.pg_inherits a
                               join pg_catalog.pg_index x on x.indexrelid = a.inhrelid
                              where a.inhparent = b.indexrelid and x.indrelid = p.oid)
        ) w on b.relkind = 'I'
       order by size desc nulls last, b.nspname, b.index
       limit ${limit}`;
}
