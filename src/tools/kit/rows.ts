import type { CallContext } from '../../calls/context.ts';
import type { ReachedSession } from '../../calls/reached-session.ts';
import type { ConnectionFacts, ParameterValue } from '../../postgres/database.ts';
import { decodeRows, type CompiledShape } from '../../postgres/exact-values.ts';
import type { Variants } from '../../postgres/version.ts';
import { maskStatements, scrubTexts, withoutOtherDatabases, type Disclosure } from './disclosure.ts';
import { concede, NOTHING_CONCEDED, type Concessions } from './concessions.ts';
import { databaseNames } from './open-databases.ts';
import { guardRows, type RowGuard } from './row-guard.ts';
import { requireTarget } from './tool.ts';
import { readVisible } from './visible-rows.ts';
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
  readonly aboutGuard: RowGuard;
  /** Those of them that are numbers or null. */
  readonly totals: readonly string[];
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
  const read = async (session: ReachedSession) => {
    let about: Record<string, unknown> | null = null;
    const { tool: what } = source;
    const rows = await readVisible({
      what,
      session,
      guard: source.disclosure.guard,
      values,
      limit: limit + 1,
      async read(most = limit + 1) {
        const result = await queryVariant(session, { ...source, subject: what }, { ...values, limit: most });
        const all = decodeRows(result, source.shape);
        about = takeAbout(all, source.aboutFields);
        return all;
      },
    });
    return { facts: session.facts, rows, about: aboutVisible(about, { source, session, count: rows.length, limit }) };
  };
  const { facts, rows, about } = await target.readOnly(read, { single: source.variants.of === 'server' });
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

/** Without what counts hidden rows, where there are any among the rows or may be beyond them. */
function aboutVisible(
  about: Record<string, unknown> | null,
  { source, session, count, limit }: { source: RowSource; session: ReachedSession; count: number; limit: number },
): Record<string, unknown> | null {
  const { hidden, withheld, facts } = session;
  if (about === null || hidden === undefined) return about;
  if (count === 0) return null;
  const [shown] = guardRows([about], source.aboutGuard, { hidden, database: facts.database, oid: undefined }).rows;
  if (shown === undefined) return null;
  if (count <= limit && !withheld.has(source.tool)) return shown;
  delete shown['total_rows'];
  for (const key of source.totals) shown[key] = null;
  return shown;
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
