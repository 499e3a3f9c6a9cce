import type { Relationship } from './relationships.ts';

interface Named {
  readonly schema: string;
  readonly table: string;
}

/** As many links are read at most for a caller who may not see all of them. */
export const LINKS_READ = 5_000;

/**
 * The links that lead to the middle by visible ones alone, with how far away they are: the server went through hidden
 * tables too, and what is only reached through them would tell of them.
 */
export function reachableLinks(links: readonly Relationship[], middle: Named, depth: number): Relationship[] {
  const distances = new Map([[keyOf(middle), 0]]);
  const ends = linksByEnd(links);
  for (const [key, distance] of distances) {
    if (distance === depth) continue;
    for (const { from, to } of ends.get(key) ?? []) {
      for (const end of [from, to]) if (!distances.has(end)) distances.set(end, distance + 1);
    }
  }
  return links
    .flatMap((link) => {
      const { from, to } = endsOf(link);
      const distance = Math.min(distances.get(from) ?? Infinity, distances.get(to) ?? Infinity) + 1;
      return distance <= depth ? [{ ...link, distance }] : [];
    })
    .toSorted((a, b) => a.distance - b.distance);
}

interface Ends {
  readonly from: string;
  readonly to: string;
}

function linksByEnd(links: readonly Relationship[]): ReadonlyMap<string, readonly Ends[]> {
  const known = new Map<string, Ends[]>();
  for (const link of links) {
    const ends = endsOf(link);
    for (const end of new Set([ends.from, ends.to])) known.set(end, [...(known.get(end) ?? []), ends]);
  }
  return known;
}

function endsOf({ schema, table, referenced_schema, referenced_table }: Relationship): Ends {
  return { from: keyOf({ schema, table }), to: keyOf({ schema: referenced_schema, table: referenced_table }) };
}

function keyOf({ schema, table }: Named): string {
  return JSON.stringify([schema, table]);
}

interface Referenced extends Named {
  keys: number;
  from_tables: number;
}

const MOST = 5;

/** In how many of these foreign keys each table is referenced; the most first. */
export function mostReferencedAmong(links: readonly Relationship[]): Referenced[] {
  const found = new Map<string, { readonly named: Named; keys: number; readonly from: Set<string> }>();
  for (const link of links.filter(({ kind }) => kind === 'foreign_key')) {
    const { from, to } = endsOf(link);
    const named = { schema: link.referenced_schema, table: link.referenced_table };
    const known = found.get(to) ?? { named, keys: 0, from: new Set() };
    known.keys++;
    known.from.add(from);
    found.set(to, known);
  }
  return [...found.values()]
    .map(({ named, keys, from }) => ({ ...named, keys, from_tables: from.size }))
    .toSorted((a, b) => b.keys - a.keys || (keyOf(a) < keyOf(b) ? -1 : 1))
    .slice(0, MOST);
}
