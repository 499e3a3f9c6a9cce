import { sql, type Param, type Sql } from '../kit/index.ts';

/**
 * Whether the index `i` of pg_index, whose row of pg_class is `x`, serves a foreign key of `columns` (numbers of
 * attributes of `i.indrelid`): its first keys are those columns, in any order and by their own collation, it leaves out
 * no row, and it finds single rows fast, as a B-tree does, or a hash index for one column.
 */
export function servesKey(columns: Sql): Sql {
  return sql`(i.indisvalid and i.indisready and i.indislive and i.indpred is null
                    and i.indnkeyatts >= pg_catalog.cardinality(${columns})
                    and (x.relam = 403 or (x.relam = 405 and pg_catalog.cardinality(${columns}) = 1))
                    and not exists (
                      select from pg_catalog.unnest(${columns}) w (attnum)
                        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = w.attnum
                       where not exists (
                         select from pg_catalog.generate_series(0, pg_catalog.cardinality(${columns}) - 1) place
                          where i.indkey[place] = w.attnum and i.indcollation[place] = a.attcollation)))`;
}

/**
 * The CTE `ends`, in a recursive list with `keys (oid, conrelid, conkey, …)`: each table and partition that a key, which is
 * `root`, holds for, and its columns there.
 */
export const keyEnds = sql`ends (root, oid, relation, columns) as (
        select k.oid, k.oid, k.conrelid, k.conkey from keys k
        union all
        -- a partition may number its columns in its own way
        select e.root, p.oid, p.conrelid, p.conkey
          from ends e
          join pg_catalog.pg_constraint p on p.conparentid = e.oid and p.contype = 'f' and p.conrelid <> e.relation
      )`;

/**
 * The CTE `checked`, in a recursive list with `locked` and `keys (oid, conrelid, conkey, …)`: each table that holds rows of a
 * key, which is `root`, and whether an index serves the key there.
 */
export function checkedEnds(estimateSizes: Sql | Param): Sql {
  return sql`${keyEnds},
      checked as (
        select e.root, c.oid, c.relpages, c.reltuples,
               ${estimateSizes}::boolean or exists (select from locked l where l.oid = c.oid) as estimated,
               exists (
                 select from pg_catalog.pg_index i
                   join pg_catalog.pg_class x on x.oid = i.indexrelid
                  where i.indrelid = c.oid and ${servesKey(sql`e.columns`)}
               ) as served
          from ends e
          join pg_catalog.pg_class c on c.oid = e.relation and c.relkind = 'r'
      )`;
}
