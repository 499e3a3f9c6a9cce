import type { CallContext, ReachedDatabase } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import type { Extension } from '../../fleet/extensions.ts';
import type { ConnectionFacts, ParameterValue } from '../../postgres/database.ts';
import { decodeRows, type CompiledShape } from '../../postgres/exact-values.ts';
import { compile, quoteIdentifier, type Sql, type Statement } from '../../postgres/sql.ts';
import { pickVariant, type Variants } from '../../postgres/version.ts';
import { maskStatements, scrubTexts, type Disclosure } from './disclosure.ts';
import { requireTarget } from './tool.ts';

/** A statement, the shape of its rows, and which of their fields are to be treated apart. */
export interface RowSource {
  readonly tool: string;
  readonly variants: Variants;
  readonly shape: CompiledShape;
  /** Inputs that the statement may name; those that the caller left out are null. */
  readonly inputs: readonly string[];
  readonly disclosure: Disclosure;
  /** Fields that are the same in every row, and belong to the answer as a whole. */
  readonly aboutFields: readonly string[];
}

export interface ReadRows {
  readonly rows: Record<string, unknown>[];
  readonly truncated: boolean;
  /** The fields that are the same in every row, taken out of them; null when there is no row. */
  readonly about: Record<string, unknown> | null;
  readonly facts: ConnectionFacts;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const LOCK_NOT_AVAILABLE = '55P03';
const INSUFFICIENT_PRIVILEGE = '42501';
const OBJECT_NOT_IN_PREREQUISITE_STATE = '55000';
/** An extension was updated or moved since we looked: undefined column, function, table or schema. */
const OUTDATED = new Set(['42703', '42883', '42P01', '3F000']);

/** Reads the rows of one statement; sizes fall back to estimates behind a lock, an extension is looked at afresh. */
export async function readRows(source: RowSource, context: CallContext): Promise<ReadRows> {
  const read = (estimateSizes: boolean, fresh: boolean) => readOnce(source, context, { estimateSizes, fresh });
  try {
    return await read(false, false);
  } catch (error) {
    const sqlstate = sqlstateOf(error);
    const { of } = source.variants;
    if (sqlstate === LOCK_NOT_AVAILABLE && usesSizes(source.variants)) return read(true, false);
    if (of === 'server' || sqlstate === undefined) throw error;
    if (OUTDATED.has(sqlstate)) return read(false, true);
    throw error;
  }
}

export function sqlstateOf(error: unknown): string | undefined {
  const sqlstate = error instanceof PlatformError ? error.details?.['sqlstate'] : undefined;
  return typeof sqlstate === 'string' ? sqlstate : undefined;
}

async function readOnce(
  source: RowSource,
  context: CallContext,
  { estimateSizes, fresh }: { estimateSizes: boolean; fresh: boolean },
): Promise<ReadRows> {
  const target = requireTarget(context);
  const extension = await findExtension(source, target, context, fresh);
  const limit = Number(context.input['limit']);
  const unset = Object.fromEntries(source.inputs.map((name) => [name, null]));
  const given = context.input as Record<string, ParameterValue>;
  const values = { ...unset, ...given, limit: limit + 1, estimate_sizes: estimateSizes };
  const { facts, result } = await target.readOnly(async (session) => {
    const statement = chooseStatement(source, session.facts, extension);
    try {
      return { facts: session.facts, result: await session.query(statement, values) };
    } catch (error) {
      throw extension ? explainExtension(error, { source, extension, login: session.facts.role.name }) : error;
    }
  });
  const rows = decodeRows(result, source.shape);
  const about = takeAbout(rows, source.aboutFields);
  const kept = rows.slice(0, limit);
  const { statement_length: length } = context.input;
  scrubTexts(kept, source.disclosure);
  await maskStatements(kept, source.disclosure, {
    texts: context.statementTexts,
    length: typeof length === 'number' ? length : Infinity,
  });
  return { rows: kept, truncated: rows.length > limit, about, facts };
}

/** What an operator has to do before an extension that is installed can be read; other failures stay as they are. */
function explainExtension(
  cause: unknown,
  { source, extension, login }: { source: RowSource; extension: Extension; login: string },
): unknown {
  const name = source.variants.of === 'server' ? '' : source.variants.of.extension;
  const sqlstate = sqlstateOf(cause);
  const details = { sqlstate, extension: name };
  if (sqlstate === INSUFFICIENT_PRIVILEGE) {
    const schema = quoteIdentifier(extension.schema);
    return new PlatformError('UNSUPPORTED', `The login may not read ${name} in the schema ${schema}.`, {
      hint: `GRANT USAGE ON SCHEMA ${schema} TO ${quoteIdentifier(login)}; and GRANT pg_read_all_stats, if it lacks that.`,
      details,
      cause,
    });
  }
  if (sqlstate !== OBJECT_NOT_IN_PREREQUISITE_STATE) return cause;
  // https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SHARED-PRELOAD-LIBRARIES
  return new PlatformError('UNSUPPORTED', `${source.tool} needs the library ${name}, which the server has not loaded.`, {
    hint: `Add it to what SHOW shared_preload_libraries; says: ALTER SYSTEM SET shared_preload_libraries = …, ${name}; and restart the server.`,
    details,
    cause,
  });
}

async function findExtension(
  { tool, variants }: RowSource,
  { server, database }: ReachedDatabase,
  { deadline }: CallContext,
  fresh: boolean,
): Promise<Extension | undefined> {
  if (variants.of === 'server') return undefined;
  const name = variants.of.extension;
  // What is missing may have been created a moment ago, on our own advice.
  const known = (await server.extensions(database, deadline, fresh)).get(name);
  const extension = known ?? (await server.extensions(database, deadline, true)).get(name);
  if (extension) return extension;
  throw new PlatformError('UNSUPPORTED', `${tool} needs the extension ${name}, which database "${database}" lacks.`, {
    hint: `CREATE EXTENSION ${name}; in that database, or name another database of the server that has it.`,
    details: { extension: name },
  });
}

const compiled = new WeakMap<Sql, Map<string, Statement>>();

/** Compiles each variant once per schema of its extension. */
function chooseStatement({ tool, variants }: RowSource, facts: ConnectionFacts, extension?: Extension): Statement {
  const version = extension?.version ?? String(facts.major);
  const query = pickVariant(variants.entries, version);
  if (!query) {
    const subject = variants.of === 'server' ? 'PostgreSQL' : `the extension ${variants.of.extension}`;
    throw new PlatformError(
      'UNSUPPORTED',
      `${tool} needs ${subject} ${variants.entries[0]?.[0]} or newer, not ${version}.`,
    );
  }
  const bySchema = compiled.get(query) ?? new Map<string, Statement>();
  compiled.set(query, bySchema);
  const schema = extension?.schema ?? '';
  const statement = bySchema.get(schema) ?? compile(query, extension && (() => extension.schema));
  bySchema.set(schema, statement);
  return statement;
}

function usesSizes({ entries }: Variants): boolean {
  return entries.some(([, { parts }]) =>
    parts.some((part) => typeof part !== 'string' && part.kind === 'param' && part.name === 'estimate_sizes'),
  );
}

function takeAbout(rows: Record<string, unknown>[], fields: readonly string[]): Record<string, unknown> | null {
  const [first] = rows;
  const about = first ? Object.fromEntries(fields.map((field) => [field, first[field]])) : null;
  for (const row of rows) for (const field of fields) delete row[field];
  return about;
}
