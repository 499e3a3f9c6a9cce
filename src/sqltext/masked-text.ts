import { hash } from 'node:crypto';
import type { Lexed, Token } from './lexer.ts';

/**
 * The statement with `$n` for every constant, without comments, on one line. `n` goes on after the highest parameter
 * of the text. TRUE, FALSE and NULL are keywords and stay.
 */
export function maskConstants(text: string, { tokens, open }: Lexed): string {
  let next = 1 + highestParameter(text, tokens);
  const parts = tokens.map((token, i) => {
    const shown = token.kind === 'constant' ? `$${next++}` : text.slice(token.start, token.end);
    return needsSpace(tokens[i - 1], token) ? ` ${shown}` : shown;
  });
  return parts.join('') + (open ? '…' : '');
}

/**
 * 16 hex digits that statements share which differ only in constants, parameters, the length of lists of these,
 * case, whitespace and comments.
 */
export function fingerprintTokens(text: string, { tokens }: Lexed): string {
  const canonical = tokens
    .map((token) => canonicalToken(text, token))
    .join(' ')
    .replace(/(?: ;)+$/, '')
    .replaceAll(/\?(?: , \?)+/g, '?')
    .replaceAll(/\( \? \)(?: , \( \? \))+/g, '( ? )');
  return hash('sha256', canonical, 'hex').slice(0, 16);
}

function highestParameter(text: string, tokens: readonly Token[]): number {
  let highest = 0;
  for (const { kind, start, end } of tokens) {
    if (kind === 'parameter') highest = Math.max(highest, Number(text.slice(start + 1, end)));
  }
  return highest;
}

/** Where there was a gap, and where a placeholder would run into its neighbour. */
function needsSpace(before: Token | undefined, token: Token): boolean {
  if (before === undefined) return false;
  if (before.end < token.start) return true;
  return (
    (before.kind === 'constant' || token.kind === 'constant') && before.kind !== 'symbol' && token.kind !== 'symbol'
  );
}

function canonicalToken(text: string, { kind, start, end }: Token): string {
  if (kind === 'constant' || kind === 'parameter') return '?';
  const token = text.slice(start, end);
  if (kind === 'word') return token.toLowerCase();
  return kind === 'name' && /^"[a-z_][a-z0-9_$]*"$/.test(token) ? token.slice(1, -1) : token;
}
