import { networkOf } from '../../core/networks.ts';

/** Wrong signatures of all callers together in a minute before some are not looked at any more: a hundredth of a core. */
const TOLERATED = 6000;
const MINUTE_MS = 60_000;
const NETWORKS_KEPT = 10_000;

/** What looking at made-up signatures may cost: the one thing about a bearer that takes more than microseconds. */
export interface CheckBudget {
  /** No for one who has just sent a wrong one, while too many are sent by all. */
  allows(sourceAddress: string): boolean;
  failed(sourceAddress: string): void;
}

export function createCheckBudget(now: () => number): CheckBudget {
  /** When each network last sent one. */
  const failedAtMs = new Map<string, number>();
  let [minute, failures, lastMinutes] = [0, 0, 0];

  function turn(): void {
    const current = Math.floor(now() / MINUTE_MS);
    if (current === minute) return;
    [minute, lastMinutes, failures] = [current, current === minute + 1 ? failures : 0, 0];
  }

  return {
    allows(sourceAddress) {
      turn();
      if (Math.max(failures, lastMinutes) <= TOLERATED) return true;
      return now() - (failedAtMs.get(networkOf(sourceAddress)) ?? -Infinity) > MINUTE_MS;
    },
    failed(sourceAddress) {
      turn();
      failures += 1;
      const network = networkOf(sourceAddress);
      failedAtMs.delete(network);
      failedAtMs.set(network, now());
      if (failedAtMs.size <= NETWORKS_KEPT) return;
      for (const [oldest] of failedAtMs) {
        failedAtMs.delete(oldest);
        return;
      }
    },
  };
}
