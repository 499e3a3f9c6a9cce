import type { Lexed, Token } from '../sqltext/lexer.ts';

/** A statement text as tokens, with the little grammar that names need. */
export interface NameTokens {
  readonly tokens: readonly Token[];
  /** The index of the token that starts at a UTF-16 unit. */
  indexAt(unit: number): number | undefined;
  /** Whether it is this keyword or symbol, in any case and without quotes. */
  is(index: number, text: string): boolean;
  /** The identifier as PostgreSQL reads it; undefined where it is none, or is written with escapes of Unicode. */
  identifier(index: number): string | undefined;
  /** The index after one identifier, however it is written. */
  afterIdentifier(index: number): number | undefined;
  /** The index after `a`, `a.b` or `a.b.c`, and the parts; a part that has escapes of Unicode is undefined. */
  qualifiedName(index: number): { readonly after: number; readonly parts: readonly (string | undefined)[] } | undefined;
  /** The index after a group in parentheses that begins here. */
  afterGroup(index: number): number | undefined;
}

export function createNameTokens(text: string, { tokens }: Lexed): NameTokens {
  const starts = new Map(tokens.map(({ start }, index) => [start, index]));
  const textOf = (index: number) => {
    const token = tokens[index];
    return token === undefined ? '' : text.slice(token.start, token.end);
  };
  const kindOf = (index: number) => tokens[index]?.kind;
  const is = (index: number, wanted: string) =>
    (kindOf(index) === 'word' || kindOf(index) === 'symbol') && textOf(index).toUpperCase() === wanted;

  function identifier(index: number): string | undefined {
    if (kindOf(index) === 'word') return textOf(index).replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
    const quoted = textOf(index);
    return kindOf(index) === 'name' && quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : undefined;
  }

  function afterIdentifier(index: number): number | undefined {
    if (kindOf(index) === 'word') return index + 1;
    if (kindOf(index) !== 'name') return undefined;
    const isEscaped = !textOf(index).startsWith('"');
    return isEscaped && is(index + 1, 'UESCAPE') ? index + 3 : index + 1;
  }

  return {
    tokens,
    indexAt: (unit) => starts.get(unit),
    is,
    identifier,
    afterIdentifier,
    qualifiedName(index) {
      const parts: (string | undefined)[] = [];
      for (let at = index; ; at++) {
        const after = afterIdentifier(at);
        if (after === undefined) return undefined;
        parts.push(identifier(at));
        if (!is(after, '.')) return { after, parts };
        at = after;
      }
    },
    afterGroup(index) {
      if (!is(index, '(')) return undefined;
      let depth = 0;
      for (let at = index; at < tokens.length; at++) {
        if (is(at, '(')) depth++;
        else if (is(at, ')') && --depth === 0) return at + 1;
      }
      return undefined;
    },
  };
}
