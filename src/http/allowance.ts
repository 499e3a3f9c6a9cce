const MINUTE_MS = 60_000;
/** More networks than this are forgotten, the longest unheard first. */
const NETWORKS_KEPT = 10_000;

/** What is left to each network; bounded in memory. */
export interface Allowances {
  /** Takes one and gives how many are left; below 0 for one that was not there to take. */
  take(network: string): number;
}

export interface AllowanceLimits {
  /** An allowance begins full, and fills evenly. */
  readonly perMinute: number;
  /** How far an allowance can be overdrawn; what is not there is not taken by default. */
  readonly deepest?: number;
  readonly networksKept?: number;
}

export function createAllowances(
  { perMinute, deepest = 0, networksKept = NETWORKS_KEPT }: AllowanceLimits,
  now: () => number = performance.now.bind(performance),
): Allowances {
  const kept = new Map<string, { left: number; atMs: number }>();
  return {
    take(network) {
      const atMs = now();
      const known = kept.get(network) ?? { left: perMinute, atMs };
      kept.delete(network);
      kept.set(network, known);
      if (kept.size > networksKept) forgetOldest(kept);
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
