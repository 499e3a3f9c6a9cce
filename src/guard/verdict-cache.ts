/** Verdicts for a short time, each under the identity of what it depends on beside its text. */
export interface VerdictCache<T> {
  get(owner: object, key: string): T | undefined;
  set(owner: object, key: string, verdict: T): void;
}

export interface VerdictCacheOptions {
  readonly maxAgeMs?: number;
  /** Characters of keys, all together. */
  readonly capacity?: number;
  readonly now?: () => number;
}

interface Entry<T> {
  readonly verdict: T;
  readonly expires: number;
  readonly size: number;
}

/** The least recently used leave first. */
export function createVerdictCache<T>(options: VerdictCacheOptions = {}): VerdictCache<T> {
  const { maxAgeMs = 30_000, capacity = 4 << 20, now = () => performance.now() } = options;
  const owners = new WeakMap<object, number>();
  const entries = new Map<string, Entry<T>>();
  let owned = 0;
  let size = 0;

  function fullKey(owner: object, key: string): string {
    let id = owners.get(owner);
    if (id === undefined) owners.set(owner, (id = ++owned));
    return `${id} ${key}`;
  }

  function remove(key: string, entry: Entry<T>): void {
    entries.delete(key);
    size -= entry.size;
  }

  return {
    get: (owner, key) => {
      const full = fullKey(owner, key);
      const entry = entries.get(full);
      if (entry === undefined) return undefined;
      entries.delete(full);
      if (entry.expires <= now()) {
        size -= entry.size;
        return undefined;
      }
      entries.set(full, entry);
      return entry.verdict;
    },
    set: (owner, key, verdict) => {
      const full = fullKey(owner, key);
      const known = entries.get(full);
      if (known !== undefined) remove(full, known);
      const entry = { verdict, expires: now() + maxAgeMs, size: full.length + 1000 };
      entries.set(full, entry);
      size += entry.size;
      for (const [oldest, old] of entries) {
        if (size <= capacity) break;
        remove(oldest, old);
      }
    },
  };
}
