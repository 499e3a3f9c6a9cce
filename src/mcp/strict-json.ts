/** Nesting, keys, and values in lists that a message may have: a tool call needs a tenth of each. */
export const MAX_DEPTH = 64;
export const MAX_KEYS = 10_000;
export const MAX_ITEMS = 20_000;

/** The keys that lead to a place in a JSON text; a place in a list is `*`. */
type JsonPath = readonly string[];

export interface StrictJson {
  readonly value: unknown;
  /** Where a key stands for the second time in its object, which `JSON.parse` would pass over in silence. */
  readonly duplicates: readonly JsonPath[];
}

/** A text that is refused: not JSON at all, or JSON that goes beyond a limit. */
export class JsonRefusal extends Error {
  override readonly name = 'JsonRefusal';
  readonly kind: 'syntax' | 'limit';

  constructor(kind: JsonRefusal['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Parses JSON (RFC 8259) of bounded depth and size, with duplicate keys found. Fails with a JsonRefusal. */
export function parseStrictJson(text: string): StrictJson {
  const duplicates = scan(text);
  try {
    return { value: JSON.parse(text) as unknown, duplicates };
  } catch {
    throw new JsonRefusal('syntax', 'The message is not JSON.');
  }
}

/** An object or a list that the scan is inside of. */
interface Container {
  /** Of an object: the keys seen; undefined for a list. */
  readonly keys: Set<string> | undefined;
  awaitsKey: boolean;
  /** The key whose value is being read. */
  key: string;
}

/** Reads the structure only; a text that is not JSON is left to the parser. */
function scan(text: string): JsonPath[] {
  const open: Container[] = [];
  const duplicates: JsonPath[] = [];
  let keys = 0;
  let items = 0;

  function enter(names: Container['keys']): void {
    if (open.length === MAX_DEPTH) throw new JsonRefusal('limit', `The message is nested deeper than ${MAX_DEPTH}.`);
    open.push({ keys: names, awaitsKey: names !== undefined, key: '*' });
  }

  function readKey(container: Container, key: string): void {
    keys += 1;
    if (keys > MAX_KEYS) throw new JsonRefusal('limit', `The message has more than ${MAX_KEYS} keys.`);
    container.awaitsKey = false;
    container.key = key;
    if (container.keys?.has(key) === true) duplicates.push(open.map((level) => level.key));
    container.keys?.add(key);
  }

  /** Each list, and each comma in one, comes before a value at most. */
  function countItem(): void {
    items += 1;
    if (items > MAX_ITEMS) throw new JsonRefusal('limit', `The message has more than ${MAX_ITEMS} values in lists.`);
  }

  for (let at = 0; at < text.length; at++) {
    const inside = open.at(-1);
    switch (text.charAt(at)) {
      case '{':
        enter(new Set());
        break;
      case '[':
        countItem();
        enter(undefined);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        if (inside?.keys) inside.awaitsKey = true;
        else countItem();
        break;
      case '"': {
        const end = endOfString(text, at);
        const token = text.slice(at, end + 1);
        if (inside?.awaitsKey === true) readKey(inside, decode(token));
        else if (token.includes('\\u')) decode(token);
        at = end;
        break;
      }
    }
  }
  return duplicates;
}

/** The place of the closing quote, or of the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first -= 1;
  return (at - first) % 2 === 1;
}

/** What a string says; half of a surrogate pair has no UTF-8, so that what is logged would not be what is sent. */
function decode(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1);
  let decoded: string;
  try {
    decoded = JSON.parse(token) as string;
  } catch {
    throw new JsonRefusal('syntax', 'The message is not JSON.');
  }
  if (/\p{Surrogate}/u.test(decoded)) throw new JsonRefusal('syntax', 'The message has half of a surrogate pair.');
  return decoded;
}
