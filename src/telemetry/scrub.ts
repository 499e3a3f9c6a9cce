import { PlatformError } from '../core/errors.ts';
import { namesSecret, REDACTED, scrubSecrets } from '../core/secret-text.ts';

const DEEPEST = 6;
const MOST_ITEMS = 50;
const LONGEST_TEXT = 4000;

/** Cuts a text, so that a hostile one costs little, and replaces what looks like a credential in it. */
export function scrubText(text: string): string {
  return scrubSecrets(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);
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
      const hidden =
        (namesSecret(key) || /(^|_)url$/i.test(key)) && typeof item !== 'number' && typeof item !== 'boolean';
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
