import { PlatformError } from '../core/errors.ts';
import type { RelationFacts } from '../guard/facts.ts';
import { originalPosition } from '../guard/edit.ts';
import { characterAt } from '../guard/text-position.ts';
import { withholdError, type Sent } from '../guard/withheld-error.ts';
import type { Refusal } from '../guard/verdict.ts';
import { quoteIdentifier } from '../postgres/sql.ts';
import { statementErrorOf } from '../postgres/statement-error.ts';

/** What failed, and who may hear what of it. */
export interface Failure {
  /** Undefined where it was not the caller's own statement that failed. */
  readonly sent: Sent | undefined;
  /** Whether the persona hides anything: then nothing that PostgreSQL says is repeated. */
  readonly hides: boolean;
}

/** A relation that the login may not read. */
export interface Unreadable extends Pick<RelationFacts, 'schema' | 'name'> {
  readonly mayUseSchema: boolean;
}

/** An error of a statement of a caller as the caller may hear it. */
export function explainFailure(error: unknown, { sent, hides }: Failure): unknown {
  if (!(error instanceof PlatformError)) return error;
  const said = statementErrorOf(error);
  if (said === undefined) return error;
  // the words for what ended a call are our own
  if (hides) return error.code === 'QUERY_FAILED' ? withholdError(error, sent) : error;
  const { sqlstate, position } = said;
  const at =
    sent && position !== undefined ? originalPosition(sent.written, sent.edits, position - sent.offset) : undefined;
  return new PlatformError(error.code, error.message, {
    hint: HINTS[sqlstate] ?? error.hint,
    details: { ...error.details, sqlstate, ...(at !== undefined && { position: at }) },
    cause: error,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  '42P18': 'Give the parameter a type: { "type": "integer", "value": 7 }.',
  '53400': 'The temporary files of the statement outgrew temp_file_limit of the login: sort, join or group less.',
};

/** The same with the grants that are missing: to those that the message names, or to all where it names none. */
export function adviseGrants(error: PlatformError, unreadable: readonly Unreadable[], role: string): PlatformError {
  if (unreadable.length === 0) return error;
  const { code, message, details, cause } = error;
  const named = unreadable.filter(({ name }) => message.includes(name));
  const to = quoteIdentifier(role);
  const hint = (named.length > 0 ? named : unreadable)
    .slice(0, 5)
    .flatMap((each) => {
      const schema = quoteIdentifier(each.schema);
      const grant = `GRANT SELECT ON ${schema}.${quoteIdentifier(each.name)} TO ${to};`;
      return each.mayUseSchema ? [grant] : [`GRANT USAGE ON SCHEMA ${schema} TO ${to};`, grant];
    })
    .join('\n');
  return new PlatformError(code, message, { hint, details, cause });
}

/** A refusal of the guard, as the caller hears it. */
export function rejection(sql: string, { rule, reason, hint, at }: Refusal): PlatformError {
  const position = at === undefined || at < 0 ? undefined : characterAt(sql, at);
  const details = { rule, ...(position !== undefined && { position }) };
  return new PlatformError(isAboutMissing(rule) ? 'NOT_FOUND' : 'SQL_REJECTED', reason, { hint, details });
}

/** A relation that is not there, and one that the caller may not know of, in the same words. */
function isAboutMissing(rule: string): boolean {
  return rule === 'relation/unknown';
}
