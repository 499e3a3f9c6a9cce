import { lex, type Lexed } from './lexer.ts';
import { maskConstants } from './masked-text.ts';
import type { Outcome } from './parser-messages.ts';
import { MAX_STATEMENT_BYTES } from './rejection.ts';
import { beginsAsStatement, mayNamePassword, withheldByWords, wordsOf } from './withheld-statements.ts';

/** A statement text that was read by the lexer and not yet by the parser. */
export interface Draft {
  readonly original: string;
  /** Well formed, without NUL, and cut to what the parser takes. */
  readonly text: string;
  readonly lexed: Lexed;
  readonly words: string;
  /** What is to be shown in the place of the statement, or null. */
  readonly withheld: string | null;
}

const NOT_SQL = '<text withheld: not recognised as SQL>';
const MAY_NAME_PASSWORD = '<statement withheld: may contain a password>';

export function draftOf(original: string): Draft {
  const text = original.slice(0, MAX_STATEMENT_BYTES).replaceAll(/[\0\p{Cs}]/gu, '\uFFFD');
  const lexed = lex(text);
  const words = wordsOf(text, lexed);
  return { original, text, lexed, words, withheld: withheldByWords(words) };
}

/**
 * What may be shown of it. Without a parse, what may name a password is withheld too, and, unless `anyText`, what
 * does not begin as a statement.
 */
export function showDraft(draft: Draft, outcome: Outcome | undefined, anyText: boolean): string {
  const { original, text, lexed, words } = draft;
  if (draft.withheld !== null) return draft.withheld;
  if (outcome?.kind === 'parsed') {
    if (outcome.withheld !== null) return outcome.withheld;
  } else {
    if (mayNamePassword(words)) return MAY_NAME_PASSWORD;
    if (!anyText && !beginsAsStatement(words)) return NOT_SQL;
  }
  return maskConstants(text, { ...lexed, open: lexed.open || text.length < original.length });
}
