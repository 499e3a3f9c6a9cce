import { lex } from '../sqltext/lexer.ts';
import { createNameTokens } from './name-tokens.ts';

/** What an EXPLAIN explains; undefined where the text is none. */
export function explainedText(text: string): string | undefined {
  const names = createNameTokens(text, lex(text));
  if (!names.is(0, 'EXPLAIN')) return undefined;
  let at = 1;
  // a group that begins with a statement is no list of options
  const isStatement = ['SELECT', 'WITH', 'VALUES', 'TABLE', '('].some((word) => names.is(2, word));
  if (names.is(1, '(') && !isStatement) at = names.afterGroup(1) ?? names.tokens.length;
  else while (['ANALYZE', 'ANALYSE', 'VERBOSE'].some((word) => names.is(at, word))) at++;
  const start = names.tokens[at]?.start;
  return start === undefined ? undefined : text.slice(start);
}
