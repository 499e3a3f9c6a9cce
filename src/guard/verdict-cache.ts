/** Verdicts for a short time, by the text of the statement, who asks, and where it would run. */
export interface VerdictCache<T> {
  get(sql: string, owner: object, place: string): T | undefined;
  set(sql: string, owner: object, place: string, verdict: T): void;
}

export interface VerdictCacheOptions {
  readonly maxAgeMs?: number;
  /** Characters of texts, all together. */
  readonly capacity?: number;
  readonly now?: () => number;
}

interface Entry<T> {
  readonly owner: WeakRef<object>;
  readonly place: string;
  readonly verdict: T;
  readonly expires: number;
}

/** What a verdict takes beside its text, in characters. */
const ENTRY_SIZE = 1000;

/** The texts that were judged first leave first. */
export function createVerdictCache<T>(options: VerdictCacheOptions = {}): VerdictCache<T> {
  const { maxAgeMs = 30_000, capacity = 4 << 20, now = () => performance.now() } = options;
  const texts = new Map<string, readonly Entry<T>[]>();
  let size = 0;

  function put(sql: string, entries: readonly Entry<T>[]): void {
    const known = texts.get(sql);
    if (known !== undefined) {
      texts.delete(sql);
      size -= sizeOf(sql, known);
    }
    if (entries.length === 0) return;
    texts.set(sql, entries);
    size += sizeOf(sql, entries);
  }

  function isLive({ owner, expires }: Entry<T>): boolean {
    return expires > now() && owner.deref() !== undefined;
  }

  return {
    get: (sql, owner, place) => {
      const found = texts.get(sql)?.find((entry) => entry.owner.deref() === owner && entry.place === place);
      if (found === undefined) return undefined;
      if (found.expires > now()) return found.verdict;
      put(sql, texts.get(sql)?.filter(isLive) ?? []);
      return undefined;
    },
    set: (sql, owner, place, verdict) => {
      const others = (texts.get(sql) ?? []).filter((entry) => {
        return isLive(entry) && (entry.owner.deref() !== owner || entry.place !== place);
      });
      put(sql, [...others, { owner: new WeakRef(owner), place, verdict, expires: now() + maxAgeMs }]);
      for (const [oldest] of texts) {
        if (size <= capacity) break;
        put(oldest, []);
      }
    },
  };
}

function sizeOf(sql: string, entries: readonly unknown[]): number {
  return sql.length + entries.length * ENTRY_SIZE;
}
