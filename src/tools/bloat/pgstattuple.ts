import { z } from 'zod';
import { byServerVersion, definePart, quoteIdentifier, sql, type RowOf } from '../kit/index.ts';

/** Where the extension is; no row where it is not. */
export const pgstattuple = definePart({
  what: 'the extension pgstattuple',
  row: { schema: z.string() },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
       where e.extname = 'pgstattuple'`,
  }),
});
export type Pgstattuple = RowOf<typeof pgstattuple> | undefined;

/** A call of one of its functions as SQL, after the extension is made where there is none. */
export function callOf(extension: Pgstattuple, call: string): string {
  return extension
    ? `SELECT * FROM ${quoteIdentifier(extension.schema)}.${call};`
    : `CREATE EXTENSION pgstattuple;\nSELECT * FROM ${call};`;
}

/** For a sentence; the bytes are in the evidence. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)} MB`;
}
