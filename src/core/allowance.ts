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
  /** Says how many are left to a key, as something else has counted them. */
  settle(key: string, perMinute: number, left: number): void;
  /** What was taken of keys since they were settled, and is not there again by now. */
  unsettled(): readonly { readonly key: string; readonly perMinute: number; readonly taken: number }[];
}

interface Kept {
  left: number;
  atMs: number;
  perMinute: number;
  isSettled: boolean;
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
  const kept = new Map<string, Kept>();

  function keep(key: string, known: Kept): void {
    kept.delete(key);
    kept.set(key, known);
    if (kept.size > keysKept) forgetOldest(kept);
  }

  return {
    take(key, perMinute) {
      const atMs = now();
      const known = kept.get(key) ?? { left: perMinute, atMs, perMinute, isSettled: false };
      keep(key, known);
      const left = leftAt(known, atMs, perMinute) - 1;
      known.left = left < -deepest ? left + 1 : left;
      known.atMs = atMs;
      known.perMinute = perMinute;
      known.isSettled = false;
      return left;
    },
    settle: (key, perMinute, left) => keep(key, { left, atMs: now(), perMinute, isSettled: true }),
    unsettled() {
      const atMs = now();
      return [...kept]
        .filter(([, { isSettled }]) => !isSettled)
        .map(([key, known]) => {
          const { perMinute } = known;
          return { key, perMinute, taken: perMinute - leftAt(known, atMs, perMinute) };
        })
        .filter(({ taken }) => taken > 0);
    },
  };
}

function leftAt(known: Kept, atMs: number, perMinute: number): number {
  return Math.min(perMinute, known.left + ((atMs - known.atMs) / MINUTE_MS) * perMinute);
}

function forgetOldest(kept: Map<string, unknown>): void {
  for (const [oldest] of kept) {
    kept.delete(oldest);
    return;
  }
}
