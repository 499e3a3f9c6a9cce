import type { Principal } from '../contract/principal.ts';
import { createAllowances, type Allowances } from '../core/allowance.ts';
import { STRANGER_LIMITS } from '../policy/built-in.ts';
import { DAY_MS, quotaKeyOf, tooManyAtOnce, tooManyCalls, type Limits } from './limits.ts';

/** More callers than this are forgotten, the longest unheard first. */
const CALLERS_KEPT = 100_000;

/** Counts without waiting for anything. */
export type ProcessLimits = {
  readonly [Name in keyof Limits]: (...given: Parameters<Limits[Name]>) => Awaited<ReturnType<Limits[Name]>>;
};

/** What is counted, for whoever counts it elsewhere too; both by the key of the caller. */
export interface Tally {
  readonly calls: Allowances;
  readonly underWay: Map<string, number>;
}

/** Quotas that this process alone counts, and forgets when it ends; `clock` tells the day. */
export function createProcessLimits(
  now?: () => number,
  clock: () => number = Date.now,
  { calls, underWay }: Tally = { calls: createAllowances({ now }), underWay: new Map() },
): ProcessLimits {
  const today = createDays(clock);

  return {
    count(principal, persona) {
      const { callsPerMinute } = persona?.limits ?? STRANGER_LIMITS;
      const left = calls.take(quotaKeyOf(principal), callsPerMinute);
      if (left < 0) throw tooManyCalls(callsPerMinute, -left, persona);
    },
    occupy(principal, persona) {
      const key = quotaKeyOf(principal);
      const taken = underWay.get(key) ?? 0;
      if (taken >= persona.limits.concurrent) throw tooManyAtOnce(persona);
      underWay.set(key, taken + 1);
      return () => {
        const left = (underWay.get(key) ?? 0) - 1;
        if (left > 0) underWay.set(key, left);
        else underWay.delete(key);
      };
    },
    rowsLeft: (principal, persona) => Math.max(0, persona.limits.rowsPerDay - today.spent(principal)),
    spend(principal, persona, rows) {
      const granted = Math.min(rows, Math.max(0, persona.limits.rowsPerDay - today.spent(principal)));
      today.add(principal, granted);
      return granted;
    },
  };
}

/** Rows of the day of UTC that it is. A clock that is set back counts on for the day that it has reached. */
function createDays(clock: () => number) {
  const rows = new Map<string, number>();
  let day = 0;

  function turn(): void {
    const now = Math.floor(clock() / DAY_MS);
    if (now > day) rows.clear();
    day = Math.max(day, now);
  }

  return {
    spent(principal: Principal): number {
      turn();
      return rows.get(quotaKeyOf(principal)) ?? 0;
    },
    add(principal: Principal, more: number): void {
      const key = quotaKeyOf(principal);
      const sum = (rows.get(key) ?? 0) + more;
      rows.delete(key);
      rows.set(key, sum);
      const [oldest] = rows.size > CALLERS_KEPT ? rows.keys() : [];
      if (oldest !== undefined) rows.delete(oldest);
    },
  };
}
