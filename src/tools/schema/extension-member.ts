import { sql, type Sql } from '../kit/index.ts';

/** Whether an object belongs to an extension: it came with it and goes with it. `catalog` is a constant, such as 'pg_catalog.pg_class'. */
export function isExtensionMember(catalog: Sql, oid: Sql): Sql {
  return sql`exists (
             select from pg_catalog.pg_depend x
              where x.classid = ${catalog}::regclass and x.objid = ${oid} and x.deptype = 'e')`;
}

/** Whether a function was made by itself: not with an extension, unless `extensions`, and not with a type, as those that make ranges are. */
export function isOwnFunction(oid: Sql, extensions: Sql = sql`false`): Sql {
  return sql`not exists (
             select from pg_catalog.pg_depend x
              where x.classid = 'pg_catalog.pg_proc'::regclass and x.objid = ${oid}
                and (x.deptype = 'i' or (x.deptype = 'e' and not ${extensions})))`;
}
