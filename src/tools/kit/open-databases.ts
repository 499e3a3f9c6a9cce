import { z } from 'zod';
import type { ReadOnlySession } from '../../postgres/database.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, sql } from '../../postgres/sql.ts';

const NAMES = compile(sql`select d.datname as name from pg_catalog.pg_database d`);
const nameShape = compileShape({ name: z.string() });

/** The names of all databases of the server, whoever may see them. */
export async function databaseNames(session: ReadOnlySession): Promise<string[]> {
  return decodeRows(await session.query(NAMES), nameShape).map(({ name }) => String(name));
}
