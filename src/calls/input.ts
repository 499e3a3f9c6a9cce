import type { z } from 'zod';
import { PlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { ArgumentNames, Operation } from './operation.ts';
import { PURPOSE } from './purpose.ts';

/** Parses the arguments of a call, once: everything after sees this value and no other. Fails with INVALID_INPUT. */
export function parseInput(
  operation: Operation,
  given: unknown,
  argumentNames: ArgumentNames | undefined,
): Readonly<Record<string, unknown>> {
  const parsed = operation.input.safeParse(rename(given ?? {}, argumentNames));
  if (parsed.success) return withoutNul(parsed.data);
  const problems = parsed.error.issues.slice(0, 20).flatMap((issue) => describeIssue(issue, operation));
  throw new PlatformError('INVALID_INPUT', `Invalid arguments: ${problems.join('; ')}.`, {
    hint: `The arguments of ${operation.name} are: ${Object.keys(operation.input.shape).join(', ') || '(none)'}.`,
    details: { problems },
  });
}

/** No name and no text in PostgreSQL holds NUL; in its protocol and in C it ends them, and what follows is something else. */
function withoutNul<T extends Readonly<Record<string, unknown>>>(input: T): T {
  const name = Object.keys(input).find((key) => holdsNul(input[key]));
  if (name === undefined) return input;
  throw new PlatformError('INVALID_INPUT', `Invalid arguments: "${name}" holds NUL (U+0000).`, {
    hint: 'No name or text in PostgreSQL can hold it: leave it out.',
  });
}

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.entries(value).flat().some(holdsNul);
}

/** An alias's arguments under our names. Both names of one argument are a duplicate. */
function rename(given: unknown, names: ArgumentNames | undefined): unknown {
  if (names === undefined || typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const renamed = new Map<string, unknown>();
  for (const [key, value] of Object.entries(given)) {
    const ours = Object.hasOwn(names, key) ? (names[key] ?? key) : key;
    if (renamed.has(ours)) {
      throw new PlatformError('INVALID_INPUT', `Invalid arguments: "${ours}" is given twice, once as "${key}".`);
    }
    renamed.set(ours, value);
  }
  return Object.fromEntries(renamed);
}

function describeIssue(issue: z.core.$ZodIssue, { input }: Operation): string[] {
  const path = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return [`${path === '' ? 'arguments' : path}: ${issue.message}`];
  return issue.keys.slice(0, 20).map((key) => {
    // the purpose is no argument of any schema, and here only if the persona wants none or it is spelt otherwise
    const names = [...Object.keys(input.shape), ...(key === PURPOSE ? [] : [PURPOSE])];
    const near = path === '' ? nearest(key, names) : undefined;
    const name = JSON.stringify(key.slice(0, 100));
    return near === undefined ? `unknown argument ${name}` : `unknown argument ${name}, did you mean "${near}"`;
  });
}
