import { sql, type Sql } from '../../postgres/sql.ts';

/** Whether a schema, of which this is the name, is neither PostgreSQL's own nor one of temporary objects; `pgboss` is not. */
export function isUserSchema(name: Sql): Sql {
  return sql`(${name} !~ '^pg_' and ${name} <> 'information_schema')`;
}
