import { compileGlob } from '../core/glob.ts';

/** One part of a pattern: an identifier, or one with `*` that was not quoted. */
export interface NamePart {
  /** As PostgreSQL has the name: without quotes, folded where it was not quoted. */
  readonly name: string;
  /** Whether `*` in it stands for any run of characters. */
  readonly isGlob: boolean;
  readonly matches: (name: string) => boolean;
}

/** `schema.table` or `schema.table.column`. */
export interface DataPattern {
  readonly text: string;
  readonly schema: NamePart;
  readonly table: NamePart;
  readonly column: NamePart | undefined;
}

/** What a pattern cannot be used for, in words that continue its path. */
export interface PatternFault {
  readonly problem: string;
}

const QUOTED = /"((?:[^"]|"")*)"/y;
const BARE = /[^".]*/y;
/** As in an identifier that needs no quotes, and `*`; https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
const BARE_NAME = /^[\p{L}_*][\p{L}\p{N}_$*]*$/u;
/** NAMEDATALEN - 1, in bytes: PostgreSQL would cut a longer name, and none is that long. */
const LONGEST = 63;
/** Every pattern of a list is compared with every name. */
const LONGEST_PATTERN = 300;

/** Reads a pattern as PostgreSQL reads a qualified name: parts fold to lower case unless they are quoted. */
export function parseDataPattern(text: string): DataPattern | PatternFault {
  if (text === '') return { problem: 'is empty; write schema.table, such as hr.salaries or hr.*' };
  if (text.length > LONGEST_PATTERN) return { problem: `is longer than ${LONGEST_PATTERN} characters` };
  const parts = splitParts(text);
  if (!Array.isArray(parts)) return parts;
  const [schema, table, column, ...more] = parts;
  if (schema === undefined || table === undefined) {
    return { problem: `has no dot; write schema.table, such as ${suggestion(text)}` };
  }
  if (more.length > 0) {
    return {
      problem: `has ${parts.length} parts; write schema.table or schema.table.column, and quote a dot in a name`,
    };
  }
  return { text, schema, table, column };
}

export function isFault(parsed: DataPattern | PatternFault): parsed is PatternFault {
  return 'problem' in parsed;
}

/** As PostgreSQL would quote it, so that the same name is the same text. */
export function canonicalPattern({ schema, table, column }: DataPattern): string {
  return [schema, table, column]
    .flatMap((part) => (part === undefined ? [] : part.isGlob ? part.name : `"${part.name.replaceAll('"', '""')}"`))
    .join('.');
}

/** As LIKE has it, for what the catalog calls so; empty for a part that is not there. */
export function likePattern(part: NamePart | undefined): string {
  if (part === undefined) return '';
  const escaped = part.name.replaceAll(/[\\%_]/g, String.raw`\$&`);
  return part.isGlob ? escaped.replaceAll('*', '%') : escaped;
}

function splitParts(text: string): NamePart[] | PatternFault {
  const parts: NamePart[] = [];
  for (let at = 0; ; at++) {
    const quoted = text[at] === '"';
    const [whole, inner] = matchAt(quoted ? QUOTED : BARE, text, at);
    if (whole === undefined) return { problem: 'has a quote without its end; close it, and double a quote in a name' };
    at += whole.length;
    const fault = quoted ? findNameFault(inner ?? '') : findBareFault(whole);
    if (fault !== undefined) return { problem: fault };
    parts.push(quoted ? exactPart((inner ?? '').replaceAll('""', '"')) : barePart(whole));
    if (at === text.length) return parts;
    if (text[at] !== '.') {
      return { problem: 'has a quote in the middle of a part; quote the part as a whole, as in "Odd Name"."T"' };
    }
  }
}

function matchAt(pattern: RegExp, text: string, at: number): (string | undefined)[] {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? [];
}

function findBareFault(part: string): string | undefined {
  if (part.includes('**')) return 'has "**"; one * stands for any run of characters already';
  if (part !== '' && !BARE_NAME.test(part)) {
    return `has ${JSON.stringify(part.slice(0, LONGEST))}, which needs quotes as an identifier; write "${part.slice(0, LONGEST)}" in double quotes`;
  }
  return findNameFault(part);
}

function findNameFault(part: string): string | undefined {
  if (part === '') return 'has an empty part; write a name or * on both sides of each dot';
  if (part.includes('\0')) return 'has a NUL in it, which no name has';
  return Buffer.byteLength(part) > LONGEST + (part.match(/""|\*/g)?.length ?? 0)
    ? `has a part of more than ${LONGEST} bytes, and no name is that long`
    : undefined;
}

function exactPart(name: string): NamePart {
  return { name, isGlob: false, matches: (other) => other === name };
}

function barePart(text: string): NamePart {
  const name = foldIdentifier(text);
  return name.includes('*') ? { name, isGlob: true, matches: compileGlob(name) } : exactPart(name);
}

/** Only ASCII: PostgreSQL folds other letters in single-byte encodings alone. */
function foldIdentifier(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function suggestion(text: string): string {
  return `${text}.* for a schema or *.${text} for a table in any`;
}
