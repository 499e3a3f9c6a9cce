/** Who waits for whom. Each names others by their keys. */
export interface Waiter {
  readonly key: string;
  /** Those in its way; empty when it does not wait. */
  readonly blockers: readonly string[];
}

/** A place in the forest. Each waiter has one, behind the blocker that is nearest to a root. */
export interface Place {
  readonly key: string;
  /** From the root to the waiter itself. */
  readonly path: readonly string[];
  /** Those who wait for it, directly or not. */
  readonly behind: ReadonlySet<string>;
}

export interface Forest {
  /** Tree by tree, the largest first; in each, everyone stands before those who wait for it. */
  readonly places: readonly Place[];
  /** Rings of those who wait for each other. The first of a ring is the root of its tree. */
  readonly rings: readonly (readonly string[])[];
}

/**
 * In a queue each waits for all before it, so that the paths through it double with each: only a shortest one to each
 * is followed.
 */
export function growForest(waiters: readonly Waiter[]): Forest {
  const blockersOf = new Map(waiters.map(({ key, blockers }) => [key, blockers]));
  const waitersOf = invert(waiters);
  const behind = (key: string) => reachFrom(key, waitersOf);
  const planted = new Map<string, readonly string[]>();
  const trees = waiters
    .filter(({ key, blockers }) => blockers.length === 0 && (waitersOf.get(key)?.length ?? 0) > 0)
    .map(({ key }) => ({ key, size: behind(key).size }))
    .toSorted((a, b) => b.size - a.size)
    .map(({ key }) => growTree(key, waitersOf, planted));
  const rings: string[][] = [];
  for (const { key, blockers } of waiters) {
    if (planted.has(key) || blockers.length === 0) continue;
    const ring = findRing(key, blockersOf);
    rings.push(ring);
    trees.push(growTree(ring[0] ?? key, waitersOf, planted));
  }
  return { places: trees.flat().map(({ key, path }) => ({ key, path, behind: behind(key) })), rings };
}

function invert(waiters: readonly Waiter[]): ReadonlyMap<string, readonly string[]> {
  const waitersOf = new Map<string, string[]>(waiters.map(({ key }) => [key, []]));
  for (const { key, blockers } of waiters) for (const blocker of blockers) waitersOf.get(blocker)?.push(key);
  return waitersOf;
}

/** Without the key itself. */
function reachFrom(key: string, waitersOf: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const seen = new Set([key]);
  for (const each of seen) for (const waiter of waitersOf.get(each) ?? []) seen.add(waiter); // grows as it is walked
  seen.delete(key);
  return seen;
}

/** Level by level, so that each is behind its blocker of the shortest path; then in the order of reading. */
function growTree(
  root: string,
  waitersOf: ReadonlyMap<string, readonly string[]>,
  planted: Map<string, readonly string[]>,
): { key: string; path: readonly string[] }[] {
  const children = new Map<string, string[]>([[root, []]]);
  planted.set(root, [root]);
  for (const [parent, own] of children) {
    for (const key of waitersOf.get(parent) ?? []) {
      if (planted.has(key)) continue;
      planted.set(key, [...(planted.get(parent) ?? []), key]);
      own.push(key);
      children.set(key, []); // walked in its turn
    }
  }
  const read = (key: string): { key: string; path: readonly string[] }[] => [
    { key, path: planted.get(key) ?? [key] },
    ...(children.get(key) ?? []).flatMap(read),
  ];
  return read(root);
}

/** Whoever is behind no root is behind a ring: from blocker to blocker one comes back. */
function findRing(start: string, blockersOf: ReadonlyMap<string, readonly string[]>): string[] {
  const walked: string[] = [];
  for (let key: string | undefined = start; key !== undefined; key = blockersOf.get(key)?.[0]) {
    const at = walked.indexOf(key);
    if (at >= 0) return walked.slice(at);
    walked.push(key);
  }
  return walked;
}
