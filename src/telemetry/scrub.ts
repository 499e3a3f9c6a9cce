import { PlatformError } from '../core/errors.ts';

const REDACTED = '[redacted]';
const DEEPEST = 6;
const MOST_ITEMS = 50;
const LONGEST_TEXT = 4000;

/** Counts such as `output_tokens` are numbers, and numbers are shown. */
const SECRET_KEY =
  /pass(word|wd|phrase)|^pw$|pwd|secret|token|authorization|cookie|api_?key|private_?key|credential|conninfo|connection_?string|dsn|(^|_)url$/i;

// Texts are cut before they are searched, so that a hostile one costs little.
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/(:\/\/)[^\s'"<>]*@/g, `$1${REDACTED}@`],
  [
    /\b(\w*(?:password|passwd|pwd|secret|token|api_?key|authorization)["']?\s*[=:]\s*)('(?:[^']|'')*'|"[^"]*"|[^\s,;&]+)/gi,
    `$1${REDACTED}`,
  ],
  [/\b(password\s+)'(?:[^']|'')*'/gi, `$1${REDACTED}`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\bhdh_\w+/g, REDACTED],
];

/** Cuts a text and replaces what looks like a credential in it. */
export function scrubText(text: string): string {
  const cut = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  return SECRET_TEXTS.reduce((scrubbed, [pattern, replacement]) => scrubbed.replaceAll(pattern, replacement), cut);
}

/**
 * A copy of what is to be logged, without secrets, bounded in depth and length. Errors lose their stacks unless
 * `withStacks`. Never throws: a log line about a failure must not be one.
 */
export function scrubFields(fields: Readonly<Record<string, unknown>>, withStacks: boolean): Record<string, unknown> {
  try {
    return scrubEntries(fields, withStacks, 0);
  } catch {
    return { fields: '[unreadable]' };
  }
}

function scrubEntries(value: object, withStacks: boolean, depth: number): Record<string, unknown> {
  const entries = Object.entries(value).slice(0, MOST_ITEMS);
  return Object.fromEntries(
    entries.map(([key, item]: [string, unknown]) => {
      const hidden = SECRET_KEY.test(key) && typeof item !== 'number' && typeof item !== 'boolean';
      return [key, hidden ? REDACTED : scrubValue(item, withStacks, depth + 1)];
    }),
  );
}

function scrubValue(value: unknown, withStacks: boolean, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEPEST) return '[deeper]';
  if (value instanceof Error) return scrubError(value, withStacks, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return scrubValue(value.toJSON(), withStacks, depth + 1);
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => scrubValue(item, withStacks, depth + 1));
  return scrubEntries(value, withStacks, depth);
}

/** What is safe of an error: a driver's own fields, such as PostgreSQL's DETAIL, can hold rows and stay out. */
function scrubError(error: Error, withStacks: boolean, depth: number): Record<string, unknown> {
  const inner = (value: unknown) => scrubValue(value, withStacks, depth + 1);
  const code = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    ...(typeof code === 'string' && { code }),
    message: scrubText(error.message),
    ...(error instanceof PlatformError && { hint: inner(error.hint), details: inner(error.details) }),
    ...(withStacks && { stack: scrubText(error.stack ?? '') }),
    ...(error.cause !== undefined && { cause: inner(error.cause) }),
    ...(error instanceof AggregateError && { errors: inner(error.errors) }),
  };
}
