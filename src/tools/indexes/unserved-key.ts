import { z } from 'zod';
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
import type { Scope } from './scope.ts';
import { checkedEnds } from './serving-index.ts';

const count = z.int().min(0);
const ACTIONS = ['no action', 'restrict', 'cascade', 'set null', 'set default'] as const;

export const unservedKey = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  constraint: z.string().meta({ names: 'constraint' }),
  columns: z.array(z.string()).meta({ names: 'column' }),
  referenced_schema: z.string().meta({ names: 'schema' }),
  referenced_table: z.string().meta({ names: 'table' }),
  referenced_columns: z.array(z.string()).meta({ names: 'column' }),
  on_delete: z.enum(ACTIONS),
  on_update: z.enum(ACTIONS),
  rows: count.nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
  size: count
    .meta({ unit: 'bytes' })
    .describe('Of the table, or of its partitions without such an index: what every check of the key reads.'),
  referenced_size: count.meta({ unit: 'bytes' }),
  size_estimated: z.boolean(),
  partitions: count.nullable().describe('Null when the table has none.'),
  partitions_without: count.nullable().describe('Partitions that have no index for the key.'),
};
export type UnservedKey = z.output<z.ZodObject<typeof unservedKey>>;

/** Names of the columns with these numbers, in their order, as JSON. */
export function columnNames(relation: Sql, numbers: Sql): Sql {
  return sql`pg_catalog.to_json(array(
                 select a.attname from pg_catalog.unnest(${numbers}) with ordinality u (attnum, place)
                   join pg_catalog.pg_attribute a on a.attrelid = ${relation} and a.attnum = u.attnum
                  order by u.place))`;
}

export function action(code: Sql): Sql {
  return sql`case ${code} when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null' else 'set default' end`;
}

/** Bytes of the main file of a table, which is what a sequential scan reads. */
function tableSize(table: Sql): Sql {
  return sql`case when ${table}.estimated then ${estimatedSize(sql`${table}.relpages`)} else pg_catalog.pg_relation_size(${table}.oid) end`;
}

/**
 * Selects `unservedKey`, and how many there are as `total_rows`; `among` names k of pg_constraint and n of pg_namespace.
 */
export function unservedKeysOf(scope: Scope & { minRows: Sql | Param }) {
  // a temporal key compares periods, which only GiST finds: its rows are not judged
  return byServerVersion({ 12: select(scope, sql`true`), 18: select(scope, sql`k.conenforced and not k.conperiod`) });
}

function select({ among, minRows, limit, estimateSizes }: Scope & { minRows: Sql | Param }, enforced: Sql): Sql {
  return sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      keys as materialized (
        select k.oid, k.conname, k.conrelid, k.conkey, k.confrelid, k.confkey, k.confdeltype, k.confupdtype, c.relkind, c.relname, n.nspname
          from pg_catalog.pg_constraint k
          join pg_catalog.pg_class c on c.oid = k.conrelid
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where k.contype = 'f' and ${enforced}
           and c.relpersistence <> 't'
           and ${isUserSchema(sql`n.nspname`)}
           and ${among}
      ),
      ${checkedEnds(estimateSizes)},
      sized as materialized (
        select c.*, ${tableSize(sql`c`)} as size from checked c where not c.served
      ),
      read as materialized (
        select z.root, pg_catalog.sum(z.size)::bigint as size, pg_catalog.bool_or(z.estimated) as estimated, pg_catalog.count(*) as partitions_without,
               -- before the first VACUUM or ANALYZE reltuples is -1 (14 on) or 0 with no pages; a file without bytes has no rows
               case when pg_catalog.bool_and(z.reltuples > 0 or (z.reltuples = 0 and z.relpages > 0) or (z.size = 0 and not z.estimated))
                    then pg_catalog.round(pg_catalog.sum(greatest(z.reltuples, 0))::numeric)::bigint end as rows
          from sized z
         group by z.root
      ),
      roots as (
        select distinct k.confrelid as oid from read r join keys k on k.oid = r.root
      ),
      ${partitionMembers},
      referenced as materialized (
        select c.root, pg_catalog.bool_or(c.estimated) as estimated, pg_catalog.sum(${tableSize(sql`c`)})::bigint as size
          from (select m.root, c.oid, c.relpages, ${estimateSizes}::boolean or exists (select from locked l where l.oid = c.oid) as estimated
                  from members m
                  join pg_catalog.pg_class c on c.oid = m.oid and c.relkind = 'r') c
         group by c.root
      )
      select k.nspname as schema, k.relname as table, k.conname as constraint, ${columnNames(sql`k.conrelid`, sql`k.conkey`)} as columns,
             n.nspname as referenced_schema, f.relname as referenced_table, ${columnNames(sql`k.confrelid`, sql`k.confkey`)} as referenced_columns,
             ${action(sql`k.confdeltype`)} as on_delete, ${action(sql`k.confupdtype`)} as on_update,
             r.rows, r.size, coalesce(t.size, 0) as referenced_size, r.estimated or coalesce(t.estimated, false) as size_estimated,
             case when k.relkind = 'p' then (select pg_catalog.count(*) from checked c where c.root = k.oid) end as partitions,
             case when k.relkind = 'p' then r.partitions_without end as partitions_without,
             pg_catalog.count(*) over () as total_rows
        from read r
        join keys k on k.oid = r.root
        join pg_catalog.pg_class f on f.oid = k.confrelid
        join pg_catalog.pg_namespace n on n.oid = f.relnamespace
        left join referenced t on t.root = k.confrelid
       where r.rows is null or r.rows >= ${minRows}::bigint
       order by r.size desc, k.nspname, k.relname, k.conname
       limit ${limit}`;
}
