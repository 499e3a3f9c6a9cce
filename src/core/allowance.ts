const MINUTE_MS = 60_000;
/** More keys than this are forgotten, the longest unheard first; a forgotten one begins with a full allowance. */
const KEYS_KEPT = 10_000;

/** What is left to each key (token buckets); bounded in memory. */
export interface Allowances {
  /**
   * Takes one of so many per minute, which fill evenly, and gives how many are left; below 0 for one that was not there
   * to take.
   */
  take(key: string, perMinute: number): number;
}

export interface AllowanceOptions {
  /** How far an allowance can be overdrawn; what is not there is not taken by default. */
  readonly deepest?: number;
  readonly keysKept?: number;
  readonly now?: (() => number) | undefined;
}

export function createAllowances({
  deepest = 0,
  keysKept = KEYS_KEPT,
  now = performance.now.bind(performance),
}: AllowanceOptions = {}): Allowances {
  const kept = new Map<string, { left: number; atMs: number }>();
  return {
    take(key, perMinute) {
      const atMs = now();
      const known = kept.get(key) ?? { left: perMinute, atMs };
      kept.delete(key);
      kept.set(key, known);
      if (kept.size > keysKept) forgetOldest(kept);
      const left = Math.min(perMinute, known.left + ((atMs - known.atMs) / MINUTE_MS) * perMinute) - 1;
      known.left = left < -deepest ? left + 1 : left;
      known.atMs = atMs;
      return left;
    },
  };
}

function forgetOldest(kept: Map<string, unknown>): void {
  for (const [oldest] of kept) {
    kept.delete(oldest);
    return;
  }
}
