import { PlatformError } from '../core/errors.ts';
import type { Lexed, Token } from './lexer.ts';
import type { Outcome } from './parser-messages.ts';

/** Of UTF-8. */
export const MAX_STATEMENT_BYTES = 65_536;
/** 64 kB of `+-+-…` or of `/*` keep PostgreSQL's scanner busy for 3 to 5 seconds; in runs of 250, for some 10 ms. */
const MAX_OPERATOR_RUN = 250;
const SIMPLIFY = 'Write it with fewer levels: IN (…) for a chain of OR, concat(…) for a chain of ||, parts in WITH.';

/** Of operators at one level, which become as many levels of the tree: 30,000 of them cost 100 MB and 100 ms. */
const MAX_CHAIN = 2000;

/** Why a text must not reach the parser; undefined when it may. */
export function refuseUnparsed(text: string, { operatorRun, tokens }: Lexed): PlatformError | undefined {
  if (text.length > MAX_STATEMENT_BYTES || Buffer.byteLength(text) > MAX_STATEMENT_BYTES) {
    return rejected(`The statement is longer than ${MAX_STATEMENT_BYTES} bytes.`, {
      hint: 'Send a shorter statement.',
    });
  }
  const broken = text.search(/[\0\p{Cs}]/u);
  if (broken !== -1) {
    return rejected('The statement has a NUL character or half of a surrogate pair, which SQL cannot have.', {
      hint: 'Remove that character.',
      details: { position: Array.from(text.slice(0, broken)).length + 1 },
    });
  }
  if (operatorRun > MAX_OPERATOR_RUN) {
    return rejected(`The statement has more than ${MAX_OPERATOR_RUN} operator characters or comment signs in a row.`, {
      hint: 'Remove the comments.',
    });
  }
  if (longestChain(text, tokens) > MAX_CHAIN) {
    return rejected(`The statement has a chain of more than ${MAX_CHAIN} operators.`, { hint: SIMPLIFY });
  }
  return undefined;
}

/** Commas, AND and OR make lists, not levels. */
function longestChain(text: string, tokens: readonly Token[]): number {
  let longest = 0;
  let chain = 0;
  for (const { kind, start, end } of tokens) {
    if (kind === 'symbol' && /[^\s,;().[\]]/.test(text.charAt(start))) longest = Math.max(longest, ++chain);
    else if (/^(?:[,;]|and|or)$/i.test(text.slice(start, Math.min(end, start + 4)))) chain = 0;
  }
  return longest;
}

/** Why a text has no parse tree. */
export function refuseOutcome(outcome: Outcome | undefined, textMs: number): PlatformError {
  switch (outcome?.kind) {
    case 'syntax error':
      return rejected(`The statement does not parse: ${withoutQuote(outcome.message)}.`, {
        hint: 'Correct it at the given position, counted in characters from 1. The grammar is that of PostgreSQL 18.',
        details: { position: outcome.position },
      });
    case 'too deep':
      return rejected('The statement is nested too deeply.', { hint: SIMPLIFY });
    case 'crashed':
      return rejected('The statement is too complex for the parser.', { hint: SIMPLIFY, cause: outcome.cause });
    case 'timeout':
      return new PlatformError('TIMEOUT', `The statement took longer than ${textMs} ms to parse.`, { hint: SIMPLIFY });
    case 'parsed':
    case 'tree':
    case 'skipped':
    case 'unavailable':
    case undefined:
      break;
  }
  return new PlatformError('UNAVAILABLE', 'The SQL parser is not available.', {
    hint: 'Try again; if it stays so, the log has the reason.',
    cause: outcome?.kind === 'unavailable' ? outcome.cause : undefined,
  });
}

function rejected(message: string, options: ConstructorParameters<typeof PlatformError>[2]): PlatformError {
  return new PlatformError('SQL_REJECTED', message, options);
}

/** The message without the piece of the statement that it quotes, unless that is a plain word or a sign. */
function withoutQuote(message: string): string {
  const quote = / at or near "([^]*)"$/.exec(message);
  const shown = quote === null || /^(?:[a-z_]{1,63}|[^\w\s'"$]{1,3})$/i.test(quote[1] ?? '');
  return shown ? message : message.slice(0, quote.index);
}
