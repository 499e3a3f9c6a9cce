import { PlatformError } from '../core/errors.ts';
import type { RelationFacts } from '../guard/facts.ts';
import type { Refusal } from '../guard/verdict.ts';
import { quoteIdentifier } from '../postgres/sql.ts';
import { statementErrorOf } from '../postgres/statement-error.ts';

/** A statement that a caller wrote, and how it was sent. */
export interface SentStatement {
  /** As the caller wrote it. */
  readonly written: string;
  readonly sent: string;
  /** Characters that were put in front of the caller's own. */
  readonly offset: number;
}

/** What failed, and who may hear what of it. */
export interface Failure {
  readonly statement: SentStatement | undefined;
  /** Whether the persona hides anything: then nothing that PostgreSQL says is repeated. */
  readonly hides: boolean;
  /** The relations that the login may not read, where one was found to be the reason. */
  readonly unreadable?: readonly Pick<RelationFacts, 'schema' | 'name'>[];
  readonly role: string;
}

const FIXED: Readonly<Record<string, string>> = {
  '22': 'A value does not fit: division by zero, out of range, or not of that type.',
  '42': 'A name, type or operator in the statement is not right, or the login may not use it.',
  '53': 'The statement needs more than the server gives it.',
  '54': 'The statement is too complex for the server.',
  '55': 'What the statement needs is not in a state to be used, as a locked table is.',
  '57': 'The statement was cancelled on the server, by someone else or by a limit of its own.',
};

/** An error of a statement of a caller as the caller may hear it. */
export function explainFailure(error: unknown, { statement, hides, unreadable = [], role }: Failure): unknown {
  if (!(error instanceof PlatformError)) return error;
  const said = statementErrorOf(error);
  if (said === undefined) return error;
  const { sqlstate } = said;
  const position = statement && positionIn(statement, said.position);
  const details = { ...error.details, sqlstate, ...(position !== undefined && { position }) };
  if (hides && error.code === 'QUERY_FAILED') {
    const message = FIXED[sqlstate.slice(0, 2)] ?? 'PostgreSQL refused the statement.';
    return new PlatformError(error.code, message, {
      hint: `SQLSTATE ${sqlstate}; what PostgreSQL says could tell what your persona hides.`,
      details,
      cause: error,
    });
  }
  return new PlatformError(error.code, error.message, {
    hint: hintFor(error, sqlstate, { unreadable, role }),
    details,
    cause: error,
  });
}

function hintFor(
  { message, hint }: PlatformError,
  sqlstate: string,
  { unreadable, role }: Required<Pick<Failure, 'unreadable' | 'role'>>,
): string | undefined {
  if (sqlstate === '42501') return grantsFor(message, unreadable, role) ?? hint;
  if (sqlstate === '42P18') return 'Give the parameter a type: { "type": "integer", "value": 7 }.';
  if (sqlstate === '53400')
    return 'The temporary files of the statement outgrew temp_file_limit: sort, join or group less.';
  return hint;
}

/** Those that the message names, or all where it names none. */
function grantsFor(message: string, unreadable: Required<Failure>['unreadable'], role: string): string | undefined {
  if (unreadable.length === 0) return undefined;
  const named = unreadable.filter(({ name }) => message.includes(name));
  const name = quoteIdentifier(role);
  return (named.length > 0 ? named : unreadable)
    .slice(0, 5)
    .map((each) => {
      const schema = quoteIdentifier(each.schema);
      return `GRANT USAGE ON SCHEMA ${schema} TO ${name}; GRANT SELECT ON ${schema}.${quoteIdentifier(each.name)} TO ${name};`;
    })
    .join('\n');
}

/** In what the caller wrote; undefined behind the first place where what was sent differs. */
function positionIn({ written, sent, offset }: SentStatement, position: number | undefined): number | undefined {
  if (position === undefined || position <= offset) return undefined;
  const [before, own] = [Array.from(written), Array.from(sent).slice(offset)];
  const at = position - offset;
  const differs = before.findIndex((character, i) => character !== own[i]);
  return differs === -1 || at <= differs + 1 ? at : undefined;
}

/** A refusal of the guard, as the caller hears it. */
export function rejection(sql: string, { rule, reason, hint, at }: Refusal): PlatformError {
  const position = at === undefined || at < 0 ? undefined : characterAt(sql, at);
  const details = { rule, ...(position !== undefined && { position }) };
  return new PlatformError(isAboutMissing(rule) ? 'NOT_FOUND' : 'SQL_REJECTED', reason, { hint, details });
}

/** A relation that is not there, and one that the caller may not know of, in the same words. */
function isAboutMissing(rule: string): boolean {
  return rule === 'relation/unknown' || rule === 'relation/denied' || rule === 'relation/not-found';
}

/** In characters from 1; `at` is in bytes of UTF-8 from 0. */
function characterAt(sql: string, at: number): number {
  return Array.from(Buffer.from(sql).subarray(0, at).toString()).length + 1;
}
