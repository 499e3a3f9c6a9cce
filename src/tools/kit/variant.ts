import { PlatformError } from '../../core/errors.ts';
import type { ConnectionFacts, ParameterValue, ReadOnlySession, Result } from '../../postgres/database.ts';
import { SERVICES, type ManagedService } from '../../postgres/managed-service.ts';
import { compile, type Sql, type Statement } from '../../postgres/sql.ts';
import { pickVariant, type Variants } from '../../postgres/version.ts';
import { explainExtension, findExtension, type Extension } from './extension.ts';
import { INSUFFICIENT_PRIVILEGE, sqlstateOf } from './sqlstate.ts';

interface VariantSource {
  /** Begins the sentence that says why it cannot be read. */
  readonly subject: string;
  readonly variants: Variants;
  /** What to do where the version is too old, in a sentence. */
  readonly instead?: string | undefined;
}

/**
 * Runs the variant that is for the version of the server, or of the extension in this database. Fails with UNSUPPORTED
 * where either is too old or the extension is not there.
 */
export async function queryVariant(
  session: ReadOnlySession,
  source: VariantSource,
  values: Readonly<Record<string, ParameterValue>>,
): Promise<Result> {
  const { subject, variants } = source;
  const extension = await findExtension(subject, variants, session);
  const statement = statementFor(source, session.facts, extension);
  try {
    return await session.query(statement, values);
  } catch (error) {
    const { service } = session.facts;
    if (extension) throw explainExtension(error, { subject, extension, facts: session.facts });
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
  { subject, variants, instead }: VariantSource,
  facts: ConnectionFacts,
  extension: Extension | undefined,
): Statement {
  const query = pickVariant(variants.entries, extension?.version ?? String(facts.major));
  if (query) return compiledFor(query, extension?.schema);
  const what = variants.of === 'server' ? 'PostgreSQL' : `the extension ${variants.of.extension}`;
  throw new PlatformError(
    'UNSUPPORTED',
    `${subject} needs ${what} ${variants.entries[0]?.[0]} or newer, not ${extension?.version ?? facts.version}.`,
    instead === undefined ? {} : { hint: instead },
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
