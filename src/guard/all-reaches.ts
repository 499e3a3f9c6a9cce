import type { CatalogFacts, Reach } from './facts.ts';
import type { References } from './references.ts';

/**
 * Everything that a statement reaches beyond what it names: of its relations and types, of what their definitions name,
 * and so on. Functions, operators and types in it are to be judged as if the statement had written them.
 */
export function allReaches(references: References, facts: CatalogFacts): readonly Reach[] {
  const found = new Set<Reach>();
  const left: References[] = [references, ...facts.unnamed];
  for (const reach of facts.unnamed) found.add(reach);
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const owners = [
      ...next.relations.map((name) => facts.relation(name)),
      ...next.types.map((name) => facts.type(name)),
    ];
    for (const reach of owners.flatMap((owner) => owner?.reaches ?? [])) {
      if (found.has(reach)) continue;
      found.add(reach);
      left.push(reach);
    }
  }
  return [...found];
}
