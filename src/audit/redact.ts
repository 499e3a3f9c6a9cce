import { hash } from 'node:crypto';
import { namesSecret, REDACTED, scrubSecrets } from '../core/secret-text.ts';

const MAX_DEPTH = 16;
const MAX_ENTRIES = 100;
const MAX_TEXT = 4096;
const MAX_KEY = 256;
/** Bytes of JSON; the marks of what was left out need the rest of 64 KiB. */
const MAX_BYTES = 62_000;
/** How much of a text is searched, so that a secret across the place where the text is cut is still seen whole. */
const MAX_SEARCHED = 2 * MAX_TEXT;

interface Walk {
  bytesLeft: number;
  /** The containers that the walk is inside of. */
  readonly above: Set<object>;
}

/**
 * Copies what a caller sent into what may be kept: secrets replaced, depth, length and size bounded
 * (at most 64 KiB of JSON), every value one that JSON has. Never throws and never changes its input.
 */
export function redact(input: unknown): unknown {
  try {
    return redactValue(input, { bytesLeft: MAX_BYTES, above: new Set() });
  } catch {
    return '[unreadable]'; // a getter or proxy that throws
  }
}

/** Cuts a text without searching it for secrets; the mark at its end has the length and the SHA-256 of the whole. */
export function cutText(text: string, maxLength: number): string {
  return cut(wellFormed(text.slice(0, maxLength)), text, maxLength);
}

function redactValue(value: unknown, walk: Walk): unknown {
  if (typeof value === 'string') return charge(redactText(value), walk);
  if (typeof value === 'number') return charge(Number.isFinite(value) ? value : String(value), walk);
  if (typeof value === 'bigint') return charge(String(value).slice(0, MAX_TEXT), walk);
  if (typeof value === 'boolean') return charge(value, walk);
  if (value === null || value === undefined) return charge(null, walk);
  return typeof value === 'object' ? redactObject(value, walk) : charge(`[${typeof value}]`, walk);
}

function redactObject(value: object, walk: Walk): unknown {
  if (walk.above.has(value)) return charge('[circular]', walk);
  if (walk.above.size >= MAX_DEPTH) return charge(`[deeper than ${MAX_DEPTH} levels]`, walk);
  if (ArrayBuffer.isView(value)) return charge(`[${value.byteLength} bytes]`, walk);
  walk.above.add(value);
  walk.bytesLeft -= 2;
  try {
    if ('toJSON' in value && typeof value.toJSON === 'function') return redactValue(value.toJSON(), walk);
    return Array.isArray(value) ? redactArray(value, walk) : redactEntries(value, walk);
  } finally {
    walk.above.delete(value);
  }
}

function redactArray(values: readonly unknown[], walk: Walk): unknown[] {
  const kept: unknown[] = [];
  for (const value of values) {
    const left = values.length - kept.length;
    if (walk.bytesLeft <= 0) return [...kept, `[${left} more]`];
    if (kept.length === MAX_ENTRIES - 1 && left > 1) return [...kept, charge(`[${left} more]`, walk)];
    kept.push(redactValue(value, walk));
  }
  return kept;
}

/** `Object.fromEntries` defines its keys, so that `__proto__` is a key like any other. */
function redactEntries(value: object, walk: Walk): Record<string, unknown> {
  const keys = Object.keys(value);
  const kept: [string, unknown][] = [];
  for (const [i, key] of keys.entries()) {
    if (walk.bytesLeft <= 0) return Object.fromEntries([...kept, ['…', `[${keys.length - i} more]`]]);
    const item: unknown = Reflect.get(value, key);
    if (item === undefined) continue;
    const name = charge(redactKey(key), walk);
    kept.push([name, hides(key, item) ? charge(REDACTED, walk) : redactValue(item, walk)]);
  }
  return Object.fromEntries(kept);
}

/** A count of tokens is no token. What a key names that is too long to be searched is not known, so that it is hidden. */
function hides(key: string, item: unknown): boolean {
  if (item === null || innocent.has(key)) return false;
  if (key.length > MAX_SEARCHED) return true;
  if (namesSecret(key)) return !(typeof item === 'number' && /tokens?$/i.test(key));
  if (innocent.size >= MAX_INNOCENT) innocent.clear();
  if (key.length <= MAX_KEY) innocent.add(key);
  return false;
}

/** Keys that name no secret: arguments have the same ones in every call. */
const innocent = new Set<string>();
const MAX_INNOCENT = 1000;

/** Replaces the secrets in a text and cuts it to 4,096 characters, or fewer. */
export function redactText(text: string, maxLength = MAX_TEXT): string {
  const masked = scrubSecrets(wellFormed(text.slice(0, MAX_SEARCHED)));
  return text.length > MAX_SEARCHED || masked.length > maxLength ? cut(masked, text, maxLength) : masked;
}

function redactKey(key: string): string {
  return wellFormed(scrubSecrets(wellFormed(key.slice(0, MAX_SEARCHED))).slice(0, MAX_KEY));
}

function cut(kept: string, whole: string, maxLength: number): string {
  if (whole.length <= maxLength && kept.length <= maxLength) return kept;
  const mark = ` … [${whole.length} characters, SHA-256 ${hash('sha256', whole, 'hex')}]`;
  return wellFormed(kept.slice(0, maxLength - mark.length)) + mark;
}

/** Half of a surrogate pair has no UTF-8, and PostgreSQL no NUL: it would not be read back as it was hashed. */
function wellFormed(text: string): string {
  return /[\0\ud800-\udfff]/.test(text) ? text.replaceAll(/[\0\p{Surrogate}]/gu, '\uFFFD') : text;
}

/** Printable ASCII without what JSON escapes. */
const UNESCAPED = /^[ !#-[\]-~]*$/;

function jsonBytes(text: string): number {
  return UNESCAPED.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text));
}

/** Takes what the value costs as JSON from what is left; what no longer fits becomes a mark. */
function charge<T extends string | number | boolean | null>(value: T, walk: Walk): T | string {
  walk.bytesLeft -= (typeof value === 'string' ? jsonBytes(value) : String(value).length) + 1;
  return walk.bytesLeft < 0 && typeof value === 'string' ? `[${value.length} characters]` : value;
}
