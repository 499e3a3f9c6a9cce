import type { Principal } from '../contract/principal.ts';
import { PlatformError } from '../core/errors.ts';
import type { CompiledPersona } from '../policy/policy.ts';

const MINUTE_MS = 60_000;
/** More callers than this are forgotten, the longest unheard first; a forgotten one begins with full allowance. */
const CALLERS_KEPT = 10_000;

/** A caller's allowance: a bucket that fills evenly over a minute, and the calls under way. */
interface Allowance {
  calls: number;
  at: number;
  underWay: number;
}

/** The quotas of every caller of this process. */
export interface Limits {
  /** Takes one call from the caller's allowance or fails with RATE_LIMITED; what it returns gives the place back. */
  admit(principal: Principal, persona: CompiledPersona): () => void;
}

export function createLimits(now: () => number = performance.now.bind(performance)): Limits {
  const allowances = new Map<string, Allowance>();

  function allowanceOf({ issuer, subject }: Principal, perMinute: number): Allowance {
    const key = JSON.stringify([issuer, subject]);
    const known = allowances.get(key) ?? { calls: perMinute, at: now(), underWay: 0 };
    allowances.delete(key);
    allowances.set(key, known);
    if (allowances.size > CALLERS_KEPT) forgetOldest(allowances);
    known.calls = Math.min(perMinute, known.calls + ((now() - known.at) / MINUTE_MS) * perMinute);
    known.at = now();
    return known;
  }

  return {
    admit(principal, { name, limits }) {
      const allowance = allowanceOf(principal, limits.callsPerMinute);
      if (allowance.underWay >= limits.concurrent) {
        throw new PlatformError('RATE_LIMITED', `${limits.concurrent} calls are already under way.`, {
          hint: `Wait for one to end, or raise limits.concurrent of the persona "${name}".`,
          details: { limit: 'concurrent', value: limits.concurrent },
        });
      }
      if (allowance.calls < 1) {
        const waitS = Math.ceil(((1 - allowance.calls) / limits.callsPerMinute) * (MINUTE_MS / 1000));
        throw new PlatformError('RATE_LIMITED', `More than ${limits.callsPerMinute} calls were made within a minute.`, {
          hint: `Try again in ${waitS} s, or raise limits.calls_per_minute of the persona "${name}".`,
          details: { limit: 'calls_per_minute', value: limits.callsPerMinute, retry_after_s: waitS },
        });
      }
      allowance.calls -= 1;
      allowance.underWay += 1;
      return () => {
        allowance.underWay -= 1;
      };
    },
  };
}

function forgetOldest(allowances: Map<string, Allowance>): void {
  for (const [key, { underWay }] of allowances) {
    if (underWay > 0) continue;
    allowances.delete(key);
    return;
  }
}
