import { z } from 'zod';
import type { ForeignSession } from '../postgres/database.ts';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import { compile, sql } from '../postgres/sql.ts';

const MAY_ASK = compile(
  sql`select pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') as may`,
);
const IDENTITY = compile(sql`select c.system_identifier::text as cluster from pg_catalog.pg_control_system() c`);
const mayShape = compileShape({ may: z.boolean() });
const identityShape = compileShape({ cluster: z.string() });

const known = new WeakMap<object, string>();

/**
 * Which database system the connection of the session leads to, by the identifier that initdb gives and standbys share:
 * an address may lead to another one tomorrow. Asked once per connection; `unknown` where the login may not ask.
 */
export async function clusterOf(session: ForeignSession): Promise<string> {
  const before = known.get(session.connection);
  if (before !== undefined) return before;
  const [right] = decodeRows(await session.query(MAY_ASK), mayShape);
  const [found] = right?.['may'] === true ? decodeRows(await session.query(IDENTITY), identityShape) : [];
  const cluster = typeof found?.['cluster'] === 'string' ? found['cluster'] : 'unknown';
  known.set(session.connection, cluster);
  return cluster;
}
