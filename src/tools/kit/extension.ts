import { z } from 'zod';
import { PlatformError } from '../../core/errors.ts';
import type { ConnectionFacts, ReadOnlySession } from '../../postgres/database.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, param, quoteIdentifier, sql } from '../../postgres/sql.ts';
import type { Variants } from '../../postgres/version.ts';
import { onPrimary } from './on-primary.ts';
import { changeSettings } from './setting-change.ts';
import {
  INSUFFICIENT_PRIVILEGE,
  OBJECT_NOT_IN_PREREQUISITE_STATE,
  sqlstateOf,
  UNDEFINED_FUNCTION,
} from './sqlstate.ts';

/** Where an extension is, and which: it may have been created, updated or moved a moment ago, on our own advice. */
export interface Extension {
  readonly name: string;
  readonly version: string;
  /** Not on our search path, so statements qualify with it. */
  readonly schema: string;
}

const INSTALLED = compile(sql`
  select e.extname as name, e.extversion as version, n.nspname as schema
    from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace
   where e.extname = ${param('extension')}`);
const installedShape = compileShape({ name: z.string(), version: z.string(), schema: z.string() });

/** Undefined where no extension is needed. Fails with UNSUPPORTED where it is and the database lacks it. */
export async function findExtension(
  subject: string,
  { of }: Variants,
  session: ReadOnlySession,
): Promise<Extension | undefined> {
  if (of === 'server') return undefined;
  const { extension } = of;
  const [installed] = decodeRows(await session.query(INSTALLED, { extension }), installedShape);
  if (installed) return installed as unknown as Extension;
  const { database } = session.facts;
  throw new PlatformError(
    'UNSUPPORTED',
    `${subject} needs the extension ${extension}, which database "${database}" lacks.`,
    {
      hint: onPrimary(
        `CREATE EXTENSION ${extension}; in that database, or name another database of the server that has it.`,
        session.facts,
      ),
      details: { extension },
    },
  );
}

/** What an operator has to do before an extension that is installed can be read; other failures stay as they are. */
export function explainExtension(
  cause: unknown,
  { subject, extension, facts }: { subject: string; extension: Extension; facts: ConnectionFacts },
): unknown {
  const sqlstate = sqlstateOf(cause);
  const details = { sqlstate, extension: extension.name };
  if (sqlstate === INSUFFICIENT_PRIVILEGE) {
    const schema = quoteIdentifier(extension.schema);
    return new PlatformError('UNSUPPORTED', `The login may not read ${extension.name} in the schema ${schema}.`, {
      hint: onPrimary(`GRANT USAGE ON SCHEMA ${schema} TO ${quoteIdentifier(facts.role.name)};`, facts),
      details,
      cause,
    });
  }
  if (sqlstate === UNDEFINED_FUNCTION && namesLibrary(cause)) {
    return new PlatformError(
      'UNSUPPORTED',
      `${subject} cannot read ${extension.name} ${extension.version}: its objects and its library are of different versions.`,
      {
        hint: onPrimary(
          `ALTER EXTENSION ${quoteIdentifier(extension.name)} UPDATE;\n-- where that was done already, a restart of the server loads the new library`,
          facts,
        ),
        details,
        cause,
      },
    );
  }
  if (sqlstate !== OBJECT_NOT_IN_PREREQUISITE_STATE) return cause;
  // https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SHARED-PRELOAD-LIBRARIES
  return new PlatformError(
    'UNSUPPORTED',
    `${subject} needs the library ${extension.name}, which the server has not loaded.`,
    {
      hint: preload(extension.name, facts),
      details,
      cause,
    },
  );
}

/** The libraries that are loaded stay: which, not every login may see. */
function preload(library: string, { service }: ConnectionFacts): string {
  const change = { name: 'shared_preload_libraries', value: `…, ${library}`, restart: true };
  return `-- beside what SHOW shared_preload_libraries; says\n${changeSettings(service, [change])}`;
}

/** `could not find function "x" in file "/…/y.so"`, in whichever language the server speaks; what SQL lacks has no file. */
function namesLibrary(cause: unknown): boolean {
  return cause instanceof Error && /\.(?:so|dylib|dll)\b/.test(cause.message);
}
