import type { NotExamined } from '../../contract/finding.ts';
import { scrubSecrets } from '../../core/secret-text.ts';
import type { StatementTexts } from '../../sqltext/statement-texts.ts';
import { guardOf, type RowGuard } from './row-guard.ts';
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
