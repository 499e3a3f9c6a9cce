import { PlatformError } from '../core/errors.ts';
import { isRecord } from '../core/record.ts';
import type { CompiledPersona } from '../policy/policy.ts';

/** The argument that every tool has and no tool declares: why the call is made, for the audit log. */
export const PURPOSE = 'purpose';
const LONGEST = 500;

/** What a caller said of its purpose, and its other arguments. */
export interface Stated {
  /** Undefined where nothing was said, anything else where it was. */
  readonly purpose: unknown;
  readonly given: unknown;
}

/**
 * Takes the purpose out of the arguments of a tool. Where the persona wants none, nothing is taken: it is an argument
 * that no schema knows.
 */
export function takePurpose(given: unknown, persona: CompiledPersona | undefined): Stated {
  if (persona?.purpose === 'off' || !isRecord(given) || !Object.hasOwn(given, PURPOSE))
    return { purpose: undefined, given };
  const { [PURPOSE]: purpose, ...others } = given;
  return { purpose: purpose ?? null, given: others };
}

/** The purpose as the log keeps it; undefined for whatever is none. */
export function readPurpose(purpose: unknown): string | undefined {
  if (typeof purpose !== 'string' || purpose.length > LONGEST || purpose.trim() === '') return undefined;
  return /\p{Cc}/u.test(purpose) ? undefined : purpose;
}

/** Fails with INVALID_INPUT for what is no purpose, and for none where the persona requires one. */
export function checkPurpose(stated: unknown, { purpose: rule, name }: CompiledPersona): void {
  if (stated !== undefined && readPurpose(stated) === undefined) {
    throw new PlatformError(
      'INVALID_INPUT',
      `Invalid arguments: "${PURPOSE}" must be a text of 1 to ${LONGEST} characters without control characters.`,
      { hint: 'Say in a sentence why the call is made.' },
    );
  }
  if (stated !== undefined || rule !== 'required') return;
  throw new PlatformError('INVALID_INPUT', `The argument "${PURPOSE}" is needed.`, {
    hint: `Say in a sentence why the call is made; the persona "${name}" requires it, and the audit log keeps it.`,
  });
}

export function givenTwice(): PlatformError {
  return new PlatformError('INVALID_INPUT', `Invalid arguments: "${PURPOSE}" is given twice, once in "arguments".`);
}
