import type { ReachedDatabase } from '../../calls/context.ts';
import type { ReachedSession, Withheld } from '../../calls/reached-session.ts';
import type { NotExamined } from '../../contract/finding.ts';
import type { ParameterValue } from '../../postgres/database.ts';
import { guardRows, type RowGuard } from './row-guard.ts';

/** How many rows a statement is asked for at most to fill an answer with what its caller may see. */
const MOST_READ = 100_000;

type Row = Record<string, unknown>;

interface Reading {
  /** What is read, which is counted once. */
  readonly what: string;
  readonly session: Pick<ReachedSession, 'facts' | 'hidden' | 'withheld'>;
  readonly guard: RowGuard;
  readonly values: Readonly<Record<string, ParameterValue>>;
  /** The most rows that the statement gives unless `read` is told otherwise; undefined where it has no such parameter. */
  readonly limit: number | undefined;
  /** One that nobody can raise. */
  readonly fixedLimit?: number | undefined;
  /** Reads the rows. */
  read(limit?: number): Promise<Row[]>;
}

/** Rows that were read, and what of them may be seen. */
interface Look {
  readonly all: Row[];
  readonly shown: ReturnType<typeof guardRows<Row>>;
  /** The statement may have more. */
  readonly isCut: boolean;
  /** More were asked for than the caller did. */
  readonly isLonger: boolean;
}

/**
 * The rows without what the data rules of the caller hide. Asks for more as long as hidden ones have taken the places of
 * others, so that a hidden neighbour silences nothing.
 */
export async function readVisible(reading: Reading): Promise<Row[]> {
  const { session, guard, values, limit: asked = Infinity } = reading;
  const { hidden, facts } = session;
  if (hidden === undefined) return reading.read();
  const oid = typeof values['oid'] === 'number' ? values['oid'] : undefined;
  for (let limit = asked; ; limit *= 8) {
    const all = await reading.read(limit === asked ? undefined : limit);
    const shown = guardRows(all, guard, { hidden, database: facts.database, oid });
    const isCut = all.length >= limit;
    if (isCut && shown.withheld > 0 && shown.rows.length < asked && limit < MOST_READ) continue;
    return take(reading, { all, shown, isCut, isLonger: limit > asked });
  }
}

function take(
  { session, what, limit = Infinity, fixedLimit = Infinity }: Reading,
  { all, shown, isCut, isLonger }: Look,
): Row[] {
  const { withheld } = session;
  withheld.note(what, shown.withheld, shown.texts);
  const isStuck = (isCut && shown.rows.length < limit) || all.length >= fixedLimit;
  if (isStuck && shown.withheld > 0) withheld.noteCut();
  const rows = isLonger ? shown.rows.slice(0, limit) : shown.rows;
  if (rows.some((row) => 'total_rows' in row)) countVisible(rows, isCut ? undefined : shown.rows.length, withheld);
  return rows;
}

/** A total of the server counts what is hidden: it becomes that of the rows, or one more where there may be more. */
function countVisible(rows: readonly Row[], total: number | undefined, withheld: Withheld): void {
  const asCounted = rows.some((row) => Number(row['total_rows']) > rows.length);
  if (total === undefined && asCounted) withheld.noteTotal();
  for (const row of rows) row['total_rows'] = total ?? rows.length + (asCounted ? 1 : 0);
}

/** Says that the data rules left something out, and names nothing of it. */
export function tellHidden({ withheld, persona }: Pick<ReachedDatabase, 'withheld' | 'persona'>): NotExamined[] {
  if (!withheld.rules) return [];
  const reason = `The data rules of the persona ${JSON.stringify(persona)} hide them.`;
  const { isTotalOpen, isCut } = withheld.lacks();
  return [
    ...describeCount(withheld),
    ...(isTotalOpen ? ['exact totals: they are lower bounds'] : []),
    ...(isCut ? ['what stands behind a long list of hidden rows'] : []),
  ].map((what) => ({ what, reason }));
}

function describeCount({ mayTell, count }: Withheld): string[] {
  if (!mayTell) return ['what the persona may not see, if any of it was meant'];
  const { rows, texts } = count();
  const parts = [
    ...(rows > 0 ? [`${rows} ${rows === 1 ? 'row' : 'rows'}`] : []),
    ...(texts > 0 ? [`${texts} ${texts === 1 ? 'text' : 'texts'}`] : []),
  ];
  return parts.length === 0 ? [] : [`${parts.join(' and ')} about hidden schemas, tables or columns`];
}
