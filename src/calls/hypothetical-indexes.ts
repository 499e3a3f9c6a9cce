import { z } from 'zod';
import { PlatformError } from '../core/errors.ts';
import type { ForeignSession } from '../postgres/database.ts';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import { compile, extensionSchema, param, sql, type Sql } from '../postgres/sql.ts';
import { foreignPath } from '../postgres/session-settings.ts';
import { quoteIdentifier } from '../postgres/sql.ts';
import type { HypotheticalIndex, HypotheticalIndexes } from './callers-sql.ts';

const hypopg = extensionSchema('hypopg');
const created = compileShape({ id: z.string(), name: z.string() });

const CREATE = sql`
  select h.indexrelid::pg_catalog.text as id, h.indexname as name
    from pg_catalog.unnest(${param('definitions')}::pg_catalog.text[]) with ordinality d(definition, place)
   cross join lateral ${hypopg}.hypopg_create_index(d.definition) h
   order by d.place`;
const DROP = sql`select ${hypopg}.hypopg_drop_index(i.id) from pg_catalog.unnest(${param('ids')}::pg_catalog.oid[]) i(id)`;
const HIDE = sql`select ${hypopg}.hypopg_hide_index(${param('id')}::pg_catalog.oid)`;
const RESET = sql`select ${hypopg}.hypopg_reset()`;
const PATH = compile(sql`select pg_catalog.set_config('search_path', ${param('path')}::pg_catalog.text, true)`);

const CATALOG_PATH = 'pg_catalog, pg_temp';

/**
 * HypoPG looks names up itself, so that it is called with the catalog as the path, and statements of callers are planned
 * with theirs. What it made stays in the session until it is reset.
 */
export function createHypotheticalIndexes(
  session: ForeignSession,
  schema: string,
  path: readonly string[],
): HypotheticalIndexes {
  const statement = (query: Sql) => compile(query, () => schema);
  const callersPath = foreignPath(path).map(quoteIdentifier).join(', ');
  let wasUsed = false;

  /** Several calls, one after the other. */
  async function inCatalog<T>(work: () => Promise<T>): Promise<T> {
    if (!wasUsed) session.takeBack(statement(RESET));
    wasUsed = true;
    await session.query(PATH, { path: CATALOG_PATH });
    const result = await work();
    await session.query(PATH, { path: callersPath });
    return result;
  }

  return {
    change: (drop, definitions) =>
      inCatalog(async () => {
        if (drop.length > 0) await session.query(statement(DROP), { ids: drop });
        if (definitions.length === 0) return [];
        const made = decodeRows(await session.query(statement(CREATE), { definitions }), created);
        if (made.length === definitions.length) return made as unknown as HypotheticalIndex[];
        throw new PlatformError('QUERY_FAILED', 'HypoPG did not make every index.');
      }),
    hide: (oid) =>
      inCatalog(async () => {
        await session.query(statement(HIDE), { id: oid });
      }),
  };
}
