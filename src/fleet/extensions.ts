import type { Deadline } from '../core/deadline.ts';
import { z } from 'zod';
import type { Database } from '../postgres/database.ts';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import { compile, sql } from '../postgres/sql.ts';

/** What `pg_extension` says of an installed extension. */
export interface Extension {
  readonly version: string;
  /** The schema that holds its objects; not on our search path, so statements qualify with it. */
  readonly schema: string;
}

/** The extensions installed in one database, by name. */
export type Extensions = ReadonlyMap<string, Extension>;

const INSTALLED = compile(sql`
  select e.extname as name, e.extversion as version, n.nspname as schema
    from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace`);

const shape = compileShape({ name: z.string(), version: z.string(), schema: z.string() });

export async function readExtensions(database: Database, deadline: Deadline): Promise<Extensions> {
  const result = await database.readOnly(
    { deadline, applicationName: 'howdah', isolation: 'read committed', lockTimeoutMs: 300 },
    (session) => session.query(INSTALLED),
  );
  const rows = decodeRows(result, shape) as { name: string; version: string; schema: string }[];
  return new Map(rows.map(({ name, version, schema }) => [name, { version, schema }]));
}
