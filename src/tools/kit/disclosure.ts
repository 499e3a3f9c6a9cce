import type { ReachedDatabase } from '../../calls/context.ts';
import type { ReachedSession, Withheld } from '../../calls/reached-session.ts';
import type { NotExamined } from '../../contract/finding.ts';
import { scrubSecrets } from '../../core/secret-text.ts';
import type { ParameterValue } from '../../postgres/database.ts';
import type { StatementTexts } from '../../sqltext/statement-texts.ts';
import { guardOf, guardRows, type RowGuard } from './row-guard.ts';
import type { RowShape } from './tool.ts';

/** Fields that take care: what other people wrote, and what says to whom a row belongs. */
export interface Disclosure {
  /** `names: 'statement'`: constants are masked, statements that carry secrets withheld. */
  readonly statements: readonly string[];
  /** `names: 'text'`: free text, such as the definition of a view; what looks like a secret is replaced. */
  readonly texts: readonly string[];
  /** `names: 'database'`: the row is shown to those who may reach that database; null belongs to none. */
  readonly databases: readonly string[];
  /** What can name something that the data rules of a persona hide. */
  readonly guard: RowGuard;
}

type Rows = readonly Record<string, unknown>[];

export function disclosureOf(shape: RowShape): Disclosure {
  const named = (what: string) => Object.keys(shape).filter((key) => shape[key]?.meta()?.['names'] === what);
  return {
    statements: named('statement'),
    texts: [...named('text'), ...named('bound')],
    databases: named('database'),
    guard: guardOf(shape),
  };
}

/** Fails where a limit would be spent on rows that the caller may not see. */
export function requireClosedLast(
  what: string,
  { databases }: Disclosure,
  statements: readonly { readonly params: readonly string[] }[],
): void {
  const spends = statements.some(({ params }) => params.includes('limit') && !params.includes('open_databases'));
  if (databases.length > 0 && spends) throw new Error(`${what}: rows of databases are limited without closedLast`);
}

/** Without the rows of databases that the caller may not reach: the server's own views show those of all. */
export function withoutOtherDatabases<Row extends Readonly<Record<string, unknown>>>(
  rows: Row[],
  { databases }: Disclosure,
  mayShow: (database: string) => boolean,
): Row[] {
  if (databases.length === 0) return rows;
  const isShown = (database: unknown) => database === null || (typeof database === 'string' && mayShow(database));
  return rows.filter((row) => databases.every((field) => isShown(row[field])));
}

/** How many rows a statement is asked for at most to fill an answer with what its caller may see. */
const MOST_READ = 100_000;

interface Reading {
  /** What is read, which is counted once. */
  readonly what: string;
  readonly session: Pick<ReachedSession, 'facts' | 'hidden' | 'withheld'>;
  readonly disclosure: Disclosure;
  readonly values: Readonly<Record<string, ParameterValue>>;
  /** The statement has a limit. */
  readonly limited: boolean;
  /** Reads the rows, of which `limit` is the most. */
  read(limit?: number): Promise<Record<string, unknown>[]>;
}

/**
 * The rows without what the data rules of the caller hide. Asks for more as long as hidden ones have taken the places of
 * others, so that a hidden neighbour silences nothing.
 */
export async function readVisible(reading: Reading): Promise<Record<string, unknown>[]> {
  const { session, disclosure, values, what } = reading;
  const { hidden, withheld, facts } = session;
  if (hidden === undefined) return reading.read();
  const oid = typeof values['oid'] === 'number' ? values['oid'] : undefined;
  const asked = reading.limited ? Number(values['limit']) : Infinity;
  for (let limit = asked; ; limit *= 8) {
    const all = await reading.read(limit === asked ? undefined : limit);
    const shown = guardRows(all, disclosure.guard, { hidden, database: facts.database, oid });
    const isFull = all.length < limit || shown.rows.length >= asked || limit >= MOST_READ;
    if (!isFull && shown.withheld > 0) continue;
    withheld.note(what, shown.withheld, shown.texts);
    const rows = limit === asked ? shown.rows : shown.rows.slice(0, asked);
    if (rows.some((row) => 'total_rows' in row))
      countVisible(rows, all.length < limit ? shown.rows.length : undefined, withheld);
    return rows;
  }
}

/** A total of the server counts what is hidden: it becomes that of the rows, or one more where there may be more. */
function countVisible(rows: Record<string, unknown>[], total: number | undefined, { noteTotal }: Withheld): void {
  const asCounted = rows.some((row) => Number(row['total_rows']) > rows.length);
  if (total === undefined && asCounted) noteTotal();
  for (const row of rows) row['total_rows'] = total ?? rows.length + (asCounted ? 1 : 0);
}

/** Says that the data rules left something out, and names nothing of it. */
export function tellHidden({ withheld, persona }: Pick<ReachedDatabase, 'withheld' | 'persona'>): NotExamined[] {
  if (!withheld.rules) return [];
  const reason = `The data rules of the persona ${JSON.stringify(persona)} hide them.`;
  const totals = withheld.isTotalOpen() ? [{ what: 'exact totals: they are lower bounds', reason }] : [];
  if (!withheld.mayTell) return [{ what: 'what the persona may not see, if any of it was meant', reason }, ...totals];
  const { rows, texts } = withheld.count();
  const parts = [[rows, 'row'] as const, [texts, 'text'] as const].filter(([count]) => count > 0);
  const what = parts.map(([count, noun]) => `${count} ${noun}${count === 1 ? '' : 's'}`).join(' and ');
  if (parts.length === 0) return totals;
  return [{ what: `${what} about hidden schemas, tables or columns`, reason }, ...totals];
}

/** Says that rows were withheld, and names no database. `among` are the lists that they are missing from. */
export function tellWithheld(count: number, persona: string, among: readonly string[] = []): NotExamined[] {
  if (count === 0) return [];
  const lists = among.length === 0 ? '' : `, among ${among.join(', ')}`;
  return [
    {
      what: `${count} ${count === 1 ? 'row' : 'rows'} of other databases${lists}`,
      reason: `The persona ${JSON.stringify(persona)} does not open them.`,
    },
  ];
}

/** Changes the rows in place. */
export function scrubTexts(rows: Rows, { texts }: Disclosure): void {
  for (const field of texts) {
    for (const row of rows) if (typeof row[field] === 'string') row[field] = scrubSecrets(row[field]);
  }
}

/** Changes the rows in place. Statements are cut to `length` after masking, which needs them whole. */
export async function maskStatements(
  rows: Rows,
  { statements }: Disclosure,
  { texts, length }: { texts: StatementTexts; length: number },
): Promise<void> {
  for (const field of statements) {
    const masked = await texts.mask(rows.map((row) => row[field] as string | null));
    for (const [i, row] of rows.entries()) row[field] = cutStatement(masked[i] ?? null, length);
  }
}

/** For a statement that is masked already: before, it would end in the middle of a constant. */
export function cutStatement(text: string | null, length: number): string | null {
  if (text === null || text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
