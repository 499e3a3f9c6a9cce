/** Words are keywords and plain identifiers; names are identifiers in double quotes. */
export type TokenKind = 'word' | 'name' | 'constant' | 'parameter' | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  /** After its last character. */
  readonly end: number;
}

/** Comments and whitespace are the gaps between the tokens. */
export interface Lexed {
  readonly tokens: readonly Token[];
  /** The text ends, or under some setting of the server may end, inside of a constant, a name or a comment. */
  readonly open: boolean;
  /** Length of the longest run of operator characters: the time of PostgreSQL's scanner grows with its square. */
  readonly operatorRun: number;
}

interface Scan {
  readonly text: string;
  readonly tokens: Token[];
  open: boolean;
  operatorRun: number;
  operatorRunEnd: number;
}

const WHITESPACE = new Set(' \t\n\r\f\v');
const OPERATOR = new Set('~!@#^&|`?+-*/%<>=');
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const DIGITS = String.raw`\d+(?:_\d+)*`;
/** With the letters that follow: `0x1F` and `1_000` are a number to some versions, and a number and a word to others. */
const NUMBER = new RegExp(
  String.raw`(?:${DIGITS}(?:\.(?!\.)(?:${DIGITS})?)?|\.${DIGITS})(?:[eE][-+]?${DIGITS})?(?:${WORD.source})?`,
  'y',
);
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z_0-9\u0080-\uffff]*)?\$/y;
const PARAMETER = /\$\d+/y;
const MAX_PARAMETER = 65_535;
/** NAMEDATALEN - 1: what is longer names nothing, but may be a token or a key that was pasted. */
const MAX_IDENTIFIER = 63;

/**
 * Splits a statement text as PostgreSQL's `scan.l` does, for every version and both settings of
 * standard_conforming_strings at once: where these would read differently, the rest of the text is one constant.
 */
export function lex(text: string): Lexed {
  const scan: Scan = { text, tokens: [], open: false, operatorRun: 0, operatorRunEnd: 0 };
  for (let at = 0; at < text.length;) at = step(scan, at);
  return scan;
}

function step(scan: Scan, at: number): number {
  const { text } = scan;
  const char = text.charAt(at);
  if (WHITESPACE.has(char)) return at + 1;
  if (text.startsWith('--', at)) return endOfLine(text, at);
  if (text.startsWith('/*', at)) return endOfComment(scan, at);
  if (char === "'") return pushString(scan, at, at);
  if (char === '"') return pushName(scan, at, at);
  if (char === '$') return pushDollar(scan, at);
  if (text.startsWith('..', at)) return push(scan, 'symbol', at, at + 2);
  const word = match(WORD, text, at);
  if (word !== '') return pushWord(scan, at, word);
  const number = match(NUMBER, text, at);
  if (number !== '') return push(scan, 'constant', at, at + number.length);
  return push(scan, 'symbol', at, OPERATOR.has(char) ? endOfOperator(scan, at) : at + 1);
}

function push(scan: Scan, kind: TokenKind, start: number, end: number): number {
  scan.tokens.push({ kind, start, end });
  return end;
}

function pushWord(scan: Scan, at: number, word: string): number {
  const end = at + word.length;
  const next = scan.text.charAt(end);
  if (next === "'" && /^[ebxn]$/i.test(word)) return pushString(scan, at, end);
  if (next === '&' && /^u$/i.test(word)) {
    if (scan.text.charAt(end + 1) === "'") return pushString(scan, at, end + 1);
    if (scan.text.charAt(end + 1) === '"') return pushName(scan, at, end + 1);
  }
  return push(scan, word.length > MAX_IDENTIFIER ? 'constant' : 'word', at, end);
}

function pushName(scan: Scan, start: number, quote: number): number {
  const { text } = scan;
  let end = text.indexOf('"', quote + 1);
  while (end !== -1 && text.charAt(end + 1) === '"') end = text.indexOf('"', end + 2);
  if (end === -1) return pushRest(scan, start);
  return push(scan, end - quote - 1 > MAX_IDENTIFIER ? 'constant' : 'name', start, end + 1);
}

/** Takes the text to its end as one constant. */
function pushRest(scan: Scan, start: number): number {
  scan.open = true;
  return push(scan, 'constant', start, scan.text.length);
}

function pushDollar(scan: Scan, at: number): number {
  const { text } = scan;
  const parameter = match(PARAMETER, text, at);
  if (parameter !== '') {
    const valid = Number(parameter.slice(1)) <= MAX_PARAMETER;
    return push(scan, valid ? 'parameter' : 'constant', at, at + parameter.length);
  }
  const delimiter = match(DOLLAR_QUOTE, text, at);
  if (delimiter === '') return push(scan, 'symbol', at, at + 1);
  const end = text.indexOf(delimiter, at + delimiter.length);
  return end === -1 ? pushRest(scan, at) : push(scan, 'constant', at, end + delimiter.length);
}

/** `start` is where its prefix begins. A string goes on in the next line when only whitespace with a newline is between. */
function pushString(scan: Scan, start: number, quote: number): number {
  const { text } = scan;
  if (isEscapeClause(scan, quote)) return push(scan, 'constant', start, quote + 3);
  const endOfPart = /^e/i.test(text.charAt(start)) ? endOfEscapeString : endOfPlainString;
  for (let next = quote; ;) {
    const end = endOfPart(text, next);
    if (end === -1) return pushRest(scan, start);
    next = continuation(text, end);
    if (next === -1) return push(scan, 'constant', start, end);
  }
}

/** `ESCAPE '\'` is what many object-relational mappers write; its other reading could never be executed. */
function isEscapeClause({ text, tokens }: Scan, quote: number): boolean {
  const before = tokens.at(-1);
  return (
    text.startsWith(String.raw`'\'`, quote) &&
    text.charAt(quote + 3) !== "'" &&
    before?.kind === 'word' &&
    text.slice(before.start, before.end).toUpperCase() === 'ESCAPE'
  );
}

/** -1 where it does not end, or where a backslash before a quote leaves open whether it does. */
function endOfPlainString(text: string, quote: number): number {
  for (let at = text.indexOf("'", quote + 1); at !== -1; at = text.indexOf("'", at + 2)) {
    let backslashes = at;
    while (text.charAt(backslashes - 1) === '\\') backslashes--;
    if ((at - backslashes) % 2 === 1) return -1;
    if (text.charAt(at + 1) !== "'") return at + 1;
  }
  return -1;
}

function endOfEscapeString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\' || (char === "'" && text.charAt(at + 1) === "'")) at++;
    else if (char === "'") return at + 1;
  }
  return -1;
}

/** Where the quote stands that continues the string ended before `at`, or -1. */
function continuation(text: string, at: number): number {
  let newline = false;
  for (;;) {
    const char = text.charAt(at);
    if (WHITESPACE.has(char)) {
      newline ||= char === '\n' || char === '\r';
      at++;
    } else if (text.startsWith('--', at)) {
      at = endOfLine(text, at);
    } else {
      return newline && char === "'" ? at : -1;
    }
  }
}

function endOfLine(text: string, at: number): number {
  while (at < text.length && text.charAt(at) !== '\n' && text.charAt(at) !== '\r') at++;
  return at;
}

function endOfComment(scan: Scan, start: number): number {
  const { text } = scan;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      noteOperatorRun(scan, at++);
      depth++;
    } else if (text.startsWith('*/', at)) {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  scan.open = true;
  return text.length;
}

function endOfOperator(scan: Scan, start: number): number {
  const { text } = scan;
  noteOperatorRun(scan, start);
  let end = start + 1;
  while (OPERATOR.has(text.charAt(end)) && !text.startsWith('--', end) && !text.startsWith('/*', end)) end++;
  return end;
}

/** Counts across the starts of comments, as the scanner looks ahead. */
function noteOperatorRun(scan: Scan, start: number): void {
  if (start < scan.operatorRunEnd) return;
  let end = start;
  while (OPERATOR.has(scan.text.charAt(end))) end++;
  scan.operatorRun = Math.max(scan.operatorRun, end - start);
  scan.operatorRunEnd = end;
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
