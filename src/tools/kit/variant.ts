import { PlatformError } from '../../core/errors.ts';
import type { ConnectionFacts, ParameterValue, ReadOnlySession, Result } from '../../postgres/database.ts';
import { SERVICES, type ManagedService } from '../../postgres/managed-service.ts';
import { compile, type Sql, type Statement } from '../../postgres/sql.ts';
import { pickVariant, type Variants } from '../../postgres/version.ts';
import { explainExtension, findExtension, type Extension } from './extension.ts';
import { INSUFFICIENT_PRIVILEGE, sqlstateOf } from './sqlstate.ts';

/**
 * Runs the variant that is for the version of the server, or of the extension in this database. Fails with UNSUPPORTED
 * where either is too old or the extension is not there; `subject` begins that sentence.
 */
export async function queryVariant(
  session: ReadOnlySession,
  { subject, variants }: { readonly subject: string; readonly variants: Variants },
  values: Readonly<Record<string, ParameterValue>>,
): Promise<Result> {
  const extension = await findExtension(subject, variants, session);
  const statement = statementFor(subject, { variants, facts: session.facts, extension });
  try {
    return await session.query(statement, values);
  } catch (error) {
    const { service, role } = session.facts;
    if (extension) throw explainExtension(error, { subject, extension, login: role.name });
    throw service === null ? error : explainService(error, service);
  }
}

/** What its operator keeps to itself is no fault of the login's. */
function explainService(cause: unknown, service: ManagedService): unknown {
  if (sqlstateOf(cause) !== INSUFFICIENT_PRIVILEGE || !(cause instanceof PlatformError)) return cause;
  const { name } = SERVICES[service];
  return new PlatformError('UNSUPPORTED', `${name} does not allow this: ${cause.message}`, {
    details: { sqlstate: INSUFFICIENT_PRIVILEGE, service },
    cause,
  });
}

function statementFor(
  subject: string,
  {
    variants,
    facts,
    extension,
  }: {
    readonly variants: Variants;
    readonly facts: ConnectionFacts;
    readonly extension: Extension | undefined;
  },
): Statement {
  const query = pickVariant(variants.entries, extension?.version ?? String(facts.major));
  if (query) return compiledFor(query, extension?.schema);
  const what = variants.of === 'server' ? 'PostgreSQL' : `the extension ${variants.of.extension}`;
  throw new PlatformError(
    'UNSUPPORTED',
    `${subject} needs ${what} ${variants.entries[0]?.[0]} or newer, not ${extension?.version ?? facts.version}.`,
  );
}

/** Each variant once per schema of its extension. */
const compiled = new WeakMap<Sql, Map<string, Statement>>();

function compiledFor(query: Sql, schema = ''): Statement {
  const bySchema = compiled.get(query) ?? new Map<string, Statement>();
  compiled.set(query, bySchema);
  const statement = bySchema.get(schema) ?? compile(query, schema === '' ? undefined : () => schema);
  bySchema.set(schema, statement);
  return statement;
}
