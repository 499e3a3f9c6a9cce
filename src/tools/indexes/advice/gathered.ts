import type { ReachedDatabase } from '../../../calls/context.ts';
import type { NotExamined } from '../../../contract/finding.ts';
import type { StatementTexts } from '../../../sqltext/statement-texts.ts';
import { hiddenFrom, readShown } from '../../kit/index.ts';
import { parsableText, readingOf } from './statement-text.ts';
import { listOf, nodeOf, type Tree } from './tree.ts';
import { workload } from './workload.ts';

export interface GatheredStatement {
  /** As it was given, or as it is counted. */
  readonly text: string;
  /** What of it can be planned: a SELECT; undefined where it reads nothing. */
  readonly reading: string | undefined;
  readonly tree: unknown;
  readonly calls: number;
  readonly totalMs: number | null;
  readonly queryId: string | null;
}

export interface Gathered {
  readonly statements: readonly GatheredStatement[];
  /** Of the caller's own, so that what they are refused is to be said. */
  readonly areCallers: boolean;
  /** See AdviceOptions. */
  readonly writesPerCount: number;
  readonly gaps: readonly NotExamined[];
}

/** Those of the caller. Fails with SQL_REJECTED for what does not parse. */
export async function gatherStatements(given: readonly string[], texts: StatementTexts): Promise<Gathered> {
  const statements: GatheredStatement[] = [];
  for (const text of given) {
    const tree = await texts.parse(text);
    statements.push({ text, reading: text, tree, calls: 1, totalMs: null, queryId: null });
  }
  return { statements, areCallers: true, writesPerCount: 0, gaps: [] };
}

/** Those that took most time in this database. Fails with UNSUPPORTED where the database does not count them. */
export async function workloadStatements(
  target: ReachedDatabase,
  { limit, min_calls }: { readonly limit: number; readonly min_calls: number },
  texts: StatementTexts,
): Promise<Gathered> {
  const { rows, gaps } = await target.readOnly(async (session) => ({
    rows: (await readShown(target, workload, session, { limit, min_calls })).rows,
    gaps: hiddenFrom(session.facts.role, [{ what: 'statements of other roles', privilege: 'pg_read_all_stats' }]),
  }));
  const statements: GatheredStatement[] = [];
  let unread = 0;
  for (const { statement, calls, total_ms, query_id } of rows) {
    const text = statement === null ? undefined : parsableText(statement);
    const tree = text === undefined ? undefined : await texts.parse(text).catch(() => undefined);
    if (text === undefined || tree === undefined) unread++;
    else statements.push({ text, reading: planned(text, tree), tree, calls, totalMs: total_ms, queryId: query_id });
  }
  const [first] = rows;
  return {
    statements,
    areCallers: false,
    writesPerCount:
      first?.counted_s && first.tables_counted_s ? Math.min(first.counted_s / first.tables_counted_s, 1) : 1,
    gaps: [...gaps, ...(unread === 0 ? [] : [unreadable(unread)])],
  };
}

function planned(text: string, tree: unknown): string | undefined {
  const [only, ...others] = listOf((tree as Tree)['stmts']);
  const node = nodeOf((only as Tree | undefined)?.['stmt']);
  if (node === undefined || others.length > 0) return undefined;
  const readsMore = node.fields['fromClause'] !== undefined || node.fields['usingClause'] !== undefined;
  return readingOf(text, node.type, readsMore);
}

function unreadable(count: number): NotExamined {
  return {
    what: `${count} ${count === 1 ? 'statement' : 'statements'} of the workload`,
    reason: 'Their texts are hidden from this login, or do not parse without their constants.',
    remedy: 'Name such a statement with constants in it: statements.',
  };
}
