import { lex } from '../sqltext/lexer.ts';
import { refuse } from './rules.ts';
import type { Refusal } from './verdict.ts';

/** The text up to its last token, without the semicolon that stands at `end`, in bytes of UTF-8. */
export function withoutSemicolon(sql: string, end: number | undefined): string | Refusal {
  const statement = end === undefined ? sql : Buffer.from(sql).subarray(0, end).toString();
  const { tokens } = lex(statement);
  const [first] = tokens;
  if (first !== undefined && statement.charAt(first.start) === ';') {
    return refuse('statement/one', 'A semicolon stands before the statement.', 0);
  }
  return statement.slice(0, tokens.at(-1)?.end);
}
