import { sql, type Sql } from '../kit/index.ts';

/** An expression without what PostgreSQL's own equal() passes over: where it was written, and how its casts were. */
function plainTree(tree: Sql): Sql {
  return sql`coalesce(pg_catalog.regexp_replace(${tree}::text, ' :(location|[a-z_]*format) -?[0-9]+', '', 'g'), '')`;
}

/**
 * What an index `i` of pg_index, whose row of pg_class is `c`, holds and in which order: `keys`, `included` and
 * `columns` (both of them), `classes`, `collations`, `directions`, `parameters` (of operator classes), `expressions`,
 * `predicate` and `storage`. Arrays count from 1; nothing here waits for a lock, as pg_get_expr() would.
 */
export const indexShape = sql`
               -- a vector cast to an array counts from 0, and a slice of it from 1
               (i.indkey::smallint[])[0:i.indnkeyatts - 1] as keys, (i.indkey::smallint[])[i.indnkeyatts:] as included,
               (i.indkey::smallint[])[0:] as columns, (i.indclass::oid[])[0:] as classes, (i.indcollation::oid[])[0:] as collations,
               (i.indoption::smallint[])[0:] as directions,
               array(select coalesce(a.attoptions::text, '') from pg_catalog.pg_attribute a
                      where a.attrelid = i.indexrelid and a.attnum between 1 and i.indnkeyatts order by a.attnum) as parameters,
               ${plainTree(sql`i.indexprs`)} as expressions, ${plainTree(sql`i.indpred`)} as predicate,
               -- of a B-tree, storage parameters change nothing that a query could miss
               case when c.relam <> 403 then c.reloptions end as storage`;

/** Whether two such rows hold the same keys in the same way; what they include is left aside. */
export function sameKeys(a: Sql, b: Sql): Sql {
  return sql`(${a}.relam = ${b}.relam and ${a}.keys = ${b}.keys and ${a}.classes = ${b}.classes and ${a}.collations = ${b}.collations
              and ${a}.directions = ${b}.directions and ${a}.parameters = ${b}.parameters and ${a}.expressions = ${b}.expressions
              and ${a}.predicate = ${b}.predicate and ${a}.storage is not distinct from ${b}.storage)`;
}

/** Whether the keys of the B-tree `a` are the first of those of the B-tree `b`, which has more. */
export function isPrefix(a: Sql, b: Sql): Sql {
  const first = (array: Sql) => sql`${array}[1:pg_catalog.cardinality(${a}.keys)]`;
  return sql`(${a}.relam = 403 and ${b}.relam = 403 and pg_catalog.cardinality(${a}.keys) < pg_catalog.cardinality(${b}.keys)
              and ${a}.keys = ${first(sql`${b}.keys`)} and ${a}.classes = ${first(sql`${b}.classes`)}
              and ${a}.collations = ${first(sql`${b}.collations`)} and ${a}.directions = ${first(sql`${b}.directions`)}
              and ${a}.parameters = ${first(sql`${b}.parameters`)} and ${a}.predicate = ${b}.predicate
              -- a list of expressions is written as ({…} {…})
              and pg_catalog.starts_with(${b}.expressions, pg_catalog.left(${a}.expressions, -1)))`;
}
