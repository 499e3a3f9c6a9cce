import type { Principal } from '../contract/principal.ts';
import { PlatformError } from '../core/errors.ts';
import type { CompiledPersona } from '../policy/policy.ts';

/**
 * The quotas of callers. What counts them is this process or, where several share the callers, something behind all of
 * them; a caller is its issuer and subject. Each fails with RATE_LIMITED for what is used up, in the words below, and
 * with UNAVAILABLE where it cannot count.
 */
export interface Limits {
  /** Counts one call, whatever becomes of it; fails for one too many. `persona`: undefined for none. */
  count(principal: Principal, persona: CompiledPersona | undefined): void | Promise<void>;
  /** Takes one of the caller's places, or fails; what it gives gives the place back, and never fails. */
  occupy(principal: Principal, persona: CompiledPersona): (() => void) | Promise<() => void>;
  /** How many rows the caller may still be answered today. Asked only where the persona bounds them. */
  rowsLeft(principal: Principal, persona: CompiledPersona): number | Promise<number>;
  /** Takes up to so many rows of today's, at once, and gives how many there were to take. */
  spend(principal: Principal, persona: CompiledPersona, rows: number): number | Promise<number>;
}

export const DAY_MS = 86_400_000;

/** Under which a caller is counted. */
export function quotaKeyOf({ issuer, subject }: Principal): string {
  return JSON.stringify([issuer, subject]);
}

/** `missing`: how many calls of the minute's are not there yet. */
export function tooManyCalls(perMinute: number, missing: number, persona: CompiledPersona | undefined): PlatformError {
  const waitS = Math.ceil((missing / perMinute) * 60);
  const remedy = persona && `, or raise limits.calls_per_minute of the persona "${persona.name}"`;
  return new PlatformError('RATE_LIMITED', `More than ${perMinute} calls were made within a minute.`, {
    hint: `Try again in ${waitS} s${remedy ?? ''}.`,
    details: { limit: 'calls_per_minute', value: perMinute, retry_after_s: waitS },
  });
}

export function tooManyAtOnce({ name, limits: { concurrent } }: CompiledPersona): PlatformError {
  return new PlatformError('RATE_LIMITED', `${concurrent} calls are already under way.`, {
    hint: `Wait for one to end, or raise limits.concurrent of the persona "${name}".`,
    details: { limit: 'concurrent', value: concurrent },
  });
}

export function tooManyRows({ name, limits: { rowsPerDay } }: CompiledPersona, atMs: number): PlatformError {
  const waitS = Math.ceil((DAY_MS - (atMs % DAY_MS)) / 1000);
  return new PlatformError('RATE_LIMITED', `The ${rowsPerDay} rows of today have been answered.`, {
    hint: `Try again after midnight UTC, or raise limits.rows_per_day of the persona "${name}".`,
    details: { limit: 'rows_per_day', value: rowsPerDay, retry_after_s: waitS },
  });
}
