import type { CallContext } from '../../calls/context.ts';
import type { ConnectionFacts, ParameterValue, ReadOnlySession } from '../../postgres/database.ts';
import { decodeRows, type CompiledShape } from '../../postgres/exact-values.ts';
import type { Variants } from '../../postgres/version.ts';
import { maskStatements, scrubTexts, withoutOtherDatabases, type Disclosure } from './disclosure.ts';
import { concede, NOTHING_CONCEDED, type Concessions } from './concessions.ts';
import { requireTarget } from './tool.ts';
import { queryVariant } from './variant.ts';

/** A statement, the shape of its rows, and which of their fields are to be treated apart. */
export interface RowSource {
  readonly tool: string;
  readonly variants: Variants;
  readonly instead?: string | undefined;
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
  /** How many of the rows that were read belong to databases that the caller may not reach. */
  readonly withheld: number;
  /** The fields that are the same in every row, taken out of them; null when there is no row. */
  readonly about: Record<string, unknown> | null;
  readonly facts: ConnectionFacts;
}

/** Reads the rows of one statement, with less where a lock or an unreadable text keeps the whole from us. */
export async function readRows(source: RowSource, context: CallContext): Promise<ReadRows> {
  for (let conceded = NOTHING_CONCEDED; ;) {
    try {
      return await readOnce(source, context, conceded);
    } catch (error) {
      const more = concede(error, conceded, (name) => uses(source.variants, name));
      if (!more) throw error;
      conceded = more;
    }
  }
}

async function readOnce(source: RowSource, context: CallContext, conceded: Concessions): Promise<ReadRows> {
  const limit = Number(context.input['limit']);
  const unset = Object.fromEntries(source.inputs.map((name) => [name, null]));
  const given = context.input as Record<string, ParameterValue>;
  const values = Object.assign(unset, given, { limit: limit + 1, ...conceded });
  const target = requireTarget(context);
  const read = async (session: ReadOnlySession) => {
    const result = await queryVariant(session, { ...source, subject: source.tool }, values);
    return { facts: session.facts, result };
  };
  const { facts, result } = await target.readOnly(read, { single: source.variants.of === 'server' });
  const rows = decodeRows(result, source.shape);
  const about = takeAbout(rows, source.aboutFields);
  const shown = withoutOtherDatabases(rows, source.disclosure, (database) => target.mayShow(database));
  const kept = shown.slice(0, limit);
  const { statement_length: length } = context.input;
  scrubTexts(kept, source.disclosure);
  await maskStatements(kept, source.disclosure, {
    texts: context.statementTexts,
    length: typeof length === 'number' ? length : Infinity,
  });
  return { rows: kept, truncated: rows.length > limit, withheld: rows.length - shown.length, about, facts };
}

function uses({ entries }: Variants, name: string): boolean {
  return entries.some(([, { parts }]) =>
    parts.some((part) => typeof part !== 'string' && part.kind === 'param' && part.name === name),
  );
}

function takeAbout(rows: Record<string, unknown>[], fields: readonly string[]): Record<string, unknown> | null {
  const [first] = rows;
  const about = first ? Object.fromEntries(fields.map((field) => [field, first[field]])) : null;
  for (const row of rows) for (const field of fields) delete row[field];
  return about;
}
