import { sql, type Sql } from '../../postgres/sql.ts';

/**
 * Whether an extension brought the object, of which `oid` is in the catalog `catalog`, such as `'pg_catalog.pg_proc'`:
 * what it may do is for its author to decide. https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
export function isOfExtension(catalog: Sql, oid: Sql): Sql {
  return sql`exists (select from pg_catalog.pg_depend e
                      where e.classid = ${catalog}::regclass and e.objid = ${oid} and e.objsubid = 0 and e.deptype = 'e')`;
}
