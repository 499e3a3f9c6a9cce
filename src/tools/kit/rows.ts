import type { CallContext } from '../../calls/context.ts';
import type { ConnectionFacts, ParameterValue, ReadOnlySession } from '../../postgres/database.ts';
import { decodeRows, type CompiledShape } from '../../postgres/exact-values.ts';
import type { Variants } from '../../postgres/version.ts';
import { maskStatements, scrubTexts, withoutOtherDatabases, type Disclosure } from './disclosure.ts';
import { concede, NOTHING_CONCEDED, type Concessions } from './concessions.ts';
import { databaseNames } from './open-databases.ts';
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

/** Reads the rows of one statement, with less where a lock, an unreadable text or a closed database keeps the whole from us. */
export async function readRows(source: RowSource, context: CallContext): Promise<ReadRows> {
  const target = requireTarget(context);
  let withheld = 0;
  for (let conceded = NOTHING_CONCEDED; ;) {
    try {
      const read = await readOnce(source, context, conceded);
      withheld = Math.max(withheld, read.withheld);
      if (read.withheld === 0 || conceded.open_databases !== null || !uses(source.variants, 'open_databases')) {
        return await show(source, context, { ...read, withheld });
      }
      // rows of closed databases may have taken the places of others
      const names = await target.readOnly(databaseNames, { single: true });
      conceded = { ...conceded, open_databases: names.filter(target.mayShow) };
    } catch (error) {
      const more = concede(error, conceded, (name) => uses(source.variants, name));
      if (!more) throw error;
      conceded = more;
    }
  }
}

/** With all rows that the caller may see, their texts as they are. */
async function readOnce(
  source: RowSource,
  context: CallContext,
  conceded: Concessions,
): Promise<Omit<ReadRows, 'truncated'>> {
  const limit = limitOf(context);
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
  const shown = withoutOtherDatabases(rows, source.disclosure, target.mayShow);
  return { rows: shown, withheld: rows.length - shown.length, about, facts };
}

/** Cut to the limit, and masked. */
async function show(
  { disclosure }: RowSource,
  context: CallContext,
  { rows, ...read }: Omit<ReadRows, 'truncated'>,
): Promise<ReadRows> {
  const limit = limitOf(context);
  const kept = rows.slice(0, limit);
  const { statement_length: length } = context.input;
  scrubTexts(kept, disclosure);
  await maskStatements(kept, disclosure, {
    texts: context.statementTexts,
    length: typeof length === 'number' ? length : Infinity,
  });
  return { ...read, rows: kept, truncated: rows.length > limit };
}

function limitOf({ input }: CallContext): number {
  return Number(input['limit']);
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
