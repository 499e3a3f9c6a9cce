import type { Principal } from '../contract/principal.ts';
import { createAllowances } from '../core/allowance.ts';
import { PlatformError } from '../core/errors.ts';
import { STRANGER_LIMITS } from '../policy/built-in.ts';
import type { CompiledPersona } from '../policy/policy.ts';

/** The quotas of every caller of this process. */
export interface Limits {
  /** Counts one call, whatever becomes of it; fails with RATE_LIMITED for one too many. `persona`: undefined for none. */
  count(principal: Principal, persona: CompiledPersona | undefined): void;
  /** Takes one of the caller's places or fails with RATE_LIMITED; what it returns gives the place back. */
  occupy(principal: Principal, persona: CompiledPersona): () => void;
}

export function createLimits(now?: () => number): Limits {
  const calls = createAllowances({ now });
  const underWay = new Map<string, number>();

  return {
    count(principal, persona) {
      const { callsPerMinute } = persona?.limits ?? STRANGER_LIMITS;
      const left = calls.take(keyOf(principal), callsPerMinute);
      if (left < 0) throw tooManyCalls(callsPerMinute, -left, persona);
    },
    occupy(principal, { name, limits }) {
      const key = keyOf(principal);
      const taken = underWay.get(key) ?? 0;
      if (taken >= limits.concurrent) {
        throw new PlatformError('RATE_LIMITED', `${limits.concurrent} calls are already under way.`, {
          hint: `Wait for one to end, or raise limits.concurrent of the persona "${name}".`,
          details: { limit: 'concurrent', value: limits.concurrent },
        });
      }
      underWay.set(key, taken + 1);
      return () => {
        const left = (underWay.get(key) ?? 0) - 1;
        if (left > 0) underWay.set(key, left);
        else underWay.delete(key);
      };
    },
  };
}

function keyOf({ issuer, subject }: Principal): string {
  return JSON.stringify([issuer, subject]);
}

function tooManyCalls(perMinute: number, missing: number, persona: CompiledPersona | undefined): PlatformError {
  const waitS = Math.ceil((missing / perMinute) * 60);
  const remedy = persona && `, or raise limits.calls_per_minute of the persona "${persona.name}"`;
  return new PlatformError('RATE_LIMITED', `More than ${perMinute} calls were made within a minute.`, {
    hint: `Try again in ${waitS} s${remedy ?? ''}.`,
    details: { limit: 'calls_per_minute', value: perMinute, retry_after_s: waitS },
  });
}
