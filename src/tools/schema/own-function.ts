import { sql, type Sql } from '../kit/index.ts';

/** Whether a function was made by itself: not with an extension, unless `extensions`, and not with a type, as those that make ranges are. */
export function isOwnFunction(oid: Sql, extensions: Sql = sql`false`): Sql {
  return sql`not exists (
             select from pg_catalog.pg_depend x
              where x.classid = 'pg_catalog.pg_proc'::regclass and x.objid = ${oid}
                and (x.deptype = 'i' or (x.deptype = 'e' and not ${extensions})))`;
}
