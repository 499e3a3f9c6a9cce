import { z } from 'zod';
import {
  byServerVersion,
  compareVersions,
  definePart,
  quoteIdentifier,
  sql,
  type ConnectionFacts,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';

/** Where the extension is, and what the login may do with it; no row where it is not. */
export const pgstattuple = definePart({
  what: 'the extension pgstattuple',
  row: { schema: z.string(), version: z.string(), may_use: z.boolean(), may_run: z.boolean() },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, e.extversion as version, pg_catalog.has_schema_privilege(n.oid, 'USAGE') as may_use,
             coalesce((select pg_catalog.bool_and(pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
                         from pg_catalog.pg_proc p
                        where p.pronamespace = n.oid and p.proname in ('pgstattuple', 'pgstattuple_approx', 'pgstatindex')), false) as may_run
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
       where e.extname = 'pgstattuple'`,
  }),
});
export type Pgstattuple = RowOf<typeof pgstattuple> | undefined;

/** Before, its functions themselves refused everybody but superusers. */
const FOR_OTHERS = '1.5';

/** Why nothing can be measured; none where it can. */
export function unmeasurable(extension: Pgstattuple, { role }: ConnectionFacts): NotExamined[] {
  if (!extension) {
    return [
      {
        what: 'exact bloat',
        reason: 'The database lacks the extension pgstattuple.',
        remedy: 'CREATE EXTENSION pgstattuple;',
      },
    ];
  }
  const { schema, may_use } = extension;
  const isOld = compareVersions(extension.version, FOR_OTHERS) < 0;
  const may_run = isOld ? role.superuser : extension.may_run;
  if (may_use && may_run) return [];
  const login = quoteIdentifier(role.name);
  const grants = [
    ...(isOld && !role.superuser ? ['ALTER EXTENSION pgstattuple UPDATE;'] : []),
    ...(may_use ? [] : [`GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${login};`]),
    ...(may_run || role.effectiveRoles.includes('pg_stat_scan_tables')
      ? []
      : [`GRANT pg_stat_scan_tables TO ${login};`]),
  ];
  return [
    {
      what: 'exact bloat',
      reason: `The login ${login} may not run the functions of pgstattuple.`,
      remedy: grants.join('\n'),
    },
  ];
}

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
