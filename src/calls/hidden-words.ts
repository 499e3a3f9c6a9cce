import type { DataPattern } from '../policy/data-pattern.ts';

/** Finds names in texts that nobody parsed: definitions, statements, comments, messages of the server. */
export interface HiddenWords {
  /** Hides the name wherever it stands. */
  add(name: string): void;
  /** Hides the name of a relation, unless a schema stands before it that is not `schema`. */
  addIn(schema: string, name: string): void;
  /** Hides what the pattern can mean. */
  addPattern(pattern: DataPattern): void;
  /** Whether a hidden name may stand in the text; `isCut` where it may end in the beginning of one. */
  isIn(text: string, isCut?: boolean): boolean;
}

const WORD = /[\p{L}\p{N}_$]+/gu;
const WORD_AT_START = /^[\p{L}\p{N}_$]/u;
const WORD_AT_END = /[\p{L}\p{N}_$]$/u;
const PLAIN = /^[\p{L}\p{N}_$]+$/u;
/** What stands between a schema and a name, quoted or not. */
const DOT = /^"?\s*\.\s*"?$/;
/** Names that are written in escapes of Unicode cannot be found as words. */
const ESCAPED = /\bu&["']/i;

/** Schemas that the word is hidden in; null is any. */
type Places = Set<string> | null;

/**
 * Words are compared without regard to case and quotes, also in constants and comments: what looks like a hidden name is
 * taken for it.
 */
export function createHiddenWords(): HiddenWords {
  const words = new Map<string, Places>();
  const oddNames = new Set<string>();
  const globs: { matches: (word: string) => boolean; place: string | null }[] = [];

  function put(name: string, place: string | null): void {
    const word = name.toLowerCase();
    if (!PLAIN.test(name)) {
      oddNames.add(word).add(word.replaceAll('"', '""'));
      return;
    }
    const known = words.get(word);
    if (place === null || known === null) words.set(word, null);
    else words.set(word, (known ?? new Set()).add(place));
  }

  function isHidden(word: string, qualifier: string | undefined): boolean {
    const places = words.get(word);
    if (places === null) return true;
    if (places !== undefined && (qualifier === undefined || places.has(qualifier))) return true;
    return globs.some(
      ({ matches, place }) => matches(word) && (place === null || qualifier === undefined || place === qualifier),
    );
  }

  function isBeginning(word: string): boolean {
    for (const known of words.keys()) if (known.startsWith(word)) return true;
    return false;
  }

  return {
    add: (name) => put(name, null),
    addIn: (schema, name) => put(name, placeOf(schema)),
    addPattern({ schema, table, column }) {
      if (column !== undefined) {
        if (column.isGlob) globs.push({ matches: column.matches, place: null });
        else put(column.name, null);
        return;
      }
      const place = schema.isGlob ? null : placeOf(schema.name);
      if (!table.isGlob) put(table.name, place);
      else if (table.name !== '*') globs.push({ matches: table.matches, place });
      else if (!schema.isGlob) put(schema.name, null);
      else globs.push({ matches: schema.matches, place: null });
    },
    isIn(text, isCut = false) {
      if (ESCAPED.test(text)) return true;
      const lower = text.toLowerCase();
      for (const name of oddNames) if (lower.includes(name)) return true;
      let before: { word: string; end: number } | undefined;
      for (const { 0: word, index } of lower.matchAll(WORD)) {
        const isQualified = before !== undefined && DOT.test(lower.slice(before.end, index));
        if (isHidden(word, isQualified ? before?.word : undefined)) return true;
        before = { word, end: index + word.length };
      }
      if (!isCut) return false;
      if (before?.end === lower.length && isBeginning(before.word)) return true;
      return [...oddNames].some((name) => endsWithin(lower, name));
    },
  };
}

/** Whether the text breaks off within the name; one that begins as a word does is looked for where words begin. */
function endsWithin(text: string, name: string): boolean {
  const isWord = WORD_AT_START.test(name);
  for (let length = Math.min(name.length - 1, text.length); length > 0; length--) {
    if (!text.endsWith(name.slice(0, length))) continue;
    if (!isWord || !WORD_AT_END.test(text.slice(0, -length).slice(-2))) return true;
  }
  return false;
}

/** A schema whose name is more than one word cannot be told before a dot. */
function placeOf(schema: string): string | null {
  return PLAIN.test(schema) ? schema.toLowerCase() : null;
}
