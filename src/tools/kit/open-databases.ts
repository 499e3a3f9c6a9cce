import { z } from 'zod';
import type { ReadOnlySession } from '../../postgres/database.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, param, sql, type Sql } from '../../postgres/sql.ts';

const NAMES = compile(sql`select d.datname as name from pg_catalog.pg_database d`);
const nameShape = compileShape({ name: z.string() });

/** The names of all databases of the server, whoever may see them. */
export async function databaseNames(session: ReadOnlySession): Promise<string[]> {
  return decodeRows(await session.query(NAMES), nameShape).map(({ name }) => String(name));
}

/**
 * What the rows of databases, those of others too, are sorted by first where they are limited: what the caller may not
 * see takes no place away from what they may. `open_databases` is null where everything may be seen.
 */
export function closedLast(database: Sql): Sql {
  return sql`coalesce(${database}::text <> all (${param('open_databases')}::text[]), false)`;
}
