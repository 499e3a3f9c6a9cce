import type { Sql } from './sql.ts';

/** The PostgreSQL majors that are supported. Every tool is tested on each. */
export const MAJORS = [12, 13, 14, 15, 16, 17, 18] as const;
export type Major = (typeof MAJORS)[number];

/** Statements by the version that each is valid from; the newest one not above the running version is used. */
export interface Variants {
  /** `server`, or the extension whose own version decides. */
  readonly of: 'server' | { readonly extension: string };
  readonly entries: readonly (readonly [since: string, query: Sql])[];
}

export function byServerVersion(entries: Partial<Readonly<Record<Major, Sql>>>): Variants {
  return { of: 'server', entries: Object.entries(entries) };
}

/** Extensions vary by their own version: a server that was upgraded often keeps an old one. */
export function byExtensionVersion(extension: string, entries: Readonly<Record<`${number}.${number}`, Sql>>): Variants {
  return { of: { extension }, entries: Object.entries(entries).toSorted(([a], [b]) => compareVersions(a, b)) };
}

/** The newest entry that is not above `version`; undefined when the running version is older than all. */
export function pickVariant<T>(
  entries: readonly (readonly [since: string, value: T])[],
  version: string,
): T | undefined {
  return entries.findLast(([since]) => compareVersions(since, version) <= 0)?.[1];
}

/** Compares dotted numbers such as `1.9` and `1.10`; what is not a number counts as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] || 0) - (right[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
