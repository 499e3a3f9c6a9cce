import { z } from 'zod';
import type { ReadOnlySession } from '../postgres/database.ts';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import { compile, param, sql } from '../postgres/sql.ts';
import type { Unreadable } from './callers-errors.ts';

const UNREADABLE = compile(sql`
  select n.nspname::text as schema, c.relname::text as name,
         pg_catalog.has_schema_privilege(n.oid, 'USAGE') as may_use_schema
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.oid = any (${param('oids')}::pg_catalog.oid[])
     and not (pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_table_privilege(c.oid, 'SELECT'))
   order by n.nspname, c.relname`);

const row = { schema: z.string(), name: z.string(), may_use_schema: z.boolean() };
const shape = compileShape(row);

/** Which of the relations the login of the session may not read whole. */
export async function findUnreadable(session: ReadOnlySession, oids: readonly number[]): Promise<Unreadable[]> {
  if (oids.length === 0) return [];
  const rows = decodeRows(await session.query(UNREADABLE, { oids }), shape) as z.output<z.ZodObject<typeof row>>[];
  return rows.map(({ schema, name, may_use_schema }) => ({ schema, name, mayUseSchema: may_use_schema }));
}
