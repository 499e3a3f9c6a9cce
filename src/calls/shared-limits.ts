import { hash } from 'node:crypto';
import type { Principal } from '../contract/principal.ts';
import { createAllowances } from '../core/allowance.ts';
import { PlatformError } from '../core/errors.ts';
import { STRANGER_LIMITS } from '../policy/built-in.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import type { Store } from '../store/open-store.ts';
import { openQuotas, type Ask, type Quotas, type QuotasParts } from '../store/quotas.ts';
import type { Logger } from '../telemetry/logger.ts';
import { quotaKeyOf, tooManyAtOnce, tooManyCalls, type Limits } from './limits.ts';
import { createProcessLimits } from './process-limits.ts';

export interface SharedLimitsParts {
  readonly open: (parts: Pick<QuotasParts, 'held' | 'untold'>) => Quotas;
  /** `spool`: while the store is away, this process counts alone. */
  readonly onUnavailable: 'refuse' | 'spool';
  readonly now?: () => number;
}

export interface SharedLimits {
  readonly limits: Limits;
  readonly quotas: Quotas;
}

/**
 * Quotas that hold over all replicas of a store. While there is one, it counts calls and places by itself, and they cost
 * nothing; rows of the day are always counted in the store, so that a restart does not forget them.
 */
export function createSharedLimits({ open, onUnavailable, now }: SharedLimitsParts): SharedLimits {
  const calls = createAllowances({ now });
  const underWay = new Map<string, number>();
  const own = createProcessLimits(now, Date.now, { calls, underWay });
  /** Rows that were answered while the store was away. */
  const owed = new Map<string, number>();
  const quotas = open({
    held: () => new Map([...underWay].map(([key, count]) => [callerOf(key), count])),
    untold,
  });

  /** What the store does not know yet. */
  function untold(): ReturnType<QuotasParts['untold']> {
    const spent = calls.unsettled();
    const owing = [...owed];
    const asks: Ask[] = [
      ...spent.map(({ key, perMinute, taken }) => {
        return { kind: 'spent', caller: callerOf(key), most: perMinute, amount: taken } as const;
      }),
      ...owing.map(([key, rows]) => ({ kind: 'owed', caller: callerOf(key), most: 0, amount: rows }) as const),
    ];
    return {
      asks,
      told() {
        for (const { key, perMinute, taken } of spent) calls.settle(key, perMinute, perMinute - taken);
        for (const [key, rows] of owing) add(owed, key, -rows);
      },
    };
  }

  /** Without the store, by this process alone, where the configuration wants that. */
  function orAlone<T>(error: unknown, count: () => T): T {
    const isAway = error instanceof PlatformError && error.code === 'UNAVAILABLE';
    if (isAway && onUnavailable === 'spool') return count();
    throw error;
  }

  async function count(principal: Principal, persona: CompiledPersona | undefined): Promise<void> {
    const { callsPerMinute: most } = persona?.limits ?? STRANGER_LIMITS;
    const key = quotaKeyOf(principal);
    let left: number;
    try {
      left = await quotas.ask({ kind: 'call', caller: callerOf(key), most });
    } catch (error) {
      return orAlone(error, () => own.count(principal, persona));
    }
    calls.settle(key, most, Math.max(0, left));
    if (left < 0) throw tooManyCalls(most, -left, persona);
  }

  async function occupy(principal: Principal, persona: CompiledPersona): Promise<() => void> {
    const key = quotaKeyOf(principal);
    let isTaken: boolean;
    try {
      const ask = { kind: 'place', caller: callerOf(key), most: persona.limits.concurrent } as const;
      isTaken = (await quotas.ask(ask)) === 1;
    } catch (error) {
      return orAlone(error, () => own.occupy(principal, persona));
    }
    if (!isTaken) throw tooManyAtOnce(persona);
    add(underWay, key, 1);
    return () => add(underWay, key, -1);
  }

  /** The others learn of it with the next exchange. */
  function released(principal: Principal, release: () => void): () => void {
    return () => {
      release();
      // while there is one process, the store need not know
      if (quotas.areShared()) quotas.released(callerOf(quotaKeyOf(principal)));
    };
  }

  const limits: Limits = {
    count: (principal, persona) => (quotas.areShared() ? count(principal, persona) : own.count(principal, persona)),
    occupy: (principal, persona) =>
      quotas.areShared()
        ? occupy(principal, persona).then((release) => released(principal, release))
        : released(principal, own.occupy(principal, persona)),
    async rowsLeft(principal, persona) {
      const caller = callerOf(quotaKeyOf(principal));
      try {
        return await quotas.ask({ kind: 'left', caller, most: persona.limits.rowsPerDay });
      } catch (error) {
        return orAlone(error, () => own.rowsLeft(principal, persona));
      }
    },
    async spend(principal, persona, rows) {
      const key = quotaKeyOf(principal);
      try {
        const most = persona.limits.rowsPerDay;
        const granted = await quotas.ask({ kind: 'rows', caller: callerOf(key), most, amount: rows });
        own.spend(principal, persona, granted);
        return granted;
      } catch (error) {
        return orAlone(error, () => {
          const granted = own.spend(principal, persona, rows);
          add(owed, key, granted);
          return granted;
        });
      }
    },
  };
  return { limits, quotas };
}

/** Counted over all replicas from the moment that the process is one of them. */
export function openSharedLimits(
  store: Store,
  onUnavailable: SharedLimitsParts['onUnavailable'],
  logger: Logger,
): SharedLimits {
  const connection = store.connect({ timeLimitMs: 3000 });
  const warn = (message: string, error: unknown) => logger.warn({ err: error }, message);
  return createSharedLimits({
    open: (parts) => openQuotas({ ...parts, connection, changes: store.changes, warn }),
    onUnavailable,
  });
}

/** Of one length, and nothing that an array would have to quote. */
function callerOf(key: string): string {
  return hash('sha256', key, 'hex');
}

function add(counts: Map<string, number>, key: string, more: number): void {
  const sum = (counts.get(key) ?? 0) + more;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}
