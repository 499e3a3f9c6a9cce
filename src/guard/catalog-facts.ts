import { keyOf, type CatalogDraft } from './catalog-draft.ts';
import type { CatalogFacts, FunctionFacts, RelationFacts } from './facts.ts';
import type { QualifiedName } from './name.ts';

/** What was read, for those who judge. A name that was not looked up is one that is not there. */
export function factsOf(draft: CatalogDraft, major: number, path: readonly string[]): CatalogFacts {
  const relations = new Map<number, RelationFacts>();
  const related = familyOf(draft);
  for (const [
    oid,
    { rowSecurity: _, hasVirtualColumns: __, wasRead: ___, policiesRead: ____, ...facts },
  ] of draft.relations)
    relations.set(oid, { ...facts, ...related(oid) });
  const functionsOf = (kind: 'functions' | 'operators', name: QualifiedName): readonly FunctionFacts[] => {
    const builtIns = (name.schema ?? 'pg_catalog') === 'pg_catalog' ? draft.builtIns[kind].get(name.name) : undefined;
    const found = draft[`${kind}ByName`].get(keyOf(name)) ?? [];
    return [...(builtIns ?? []), ...found.flatMap((oid) => draft.functions.get(oid) ?? [])];
  };
  return {
    major,
    path,
    relation: (name) => relations.get(draft.relationsByName.get(keyOf(name)) ?? 0),
    relationByOid: (oid) => relations.get(oid),
    functions: (name) => functionsOf('functions', name),
    operators: (name) => functionsOf('operators', name),
    type: (name) => draft.types.get(draft.typesByName.get(keyOf(name)) ?? 0),
    unnamed: draft.unnamed,
  };
}

type Related = Pick<RelationFacts, 'family' | 'descendants'>;

function familyOf(draft: CatalogDraft): (oid: number) => Related {
  const [children, parents] = [new Map<number, number[]>(), new Map<number, number[]>()];
  for (const edge of draft.inherits) {
    const [parent = 0, child = 0] = edge.split(' ').map(Number);
    children.set(parent, [...(children.get(parent) ?? []), child]);
    parents.set(child, [...(parents.get(child) ?? []), parent]);
  }
  return (oid) => {
    const descendants = reachable(children, oid);
    const family = new Set(descendants);
    for (const member of [oid, ...descendants]) for (const parent of reachable(parents, member)) family.add(parent);
    family.delete(oid);
    return { descendants, family: [...family] };
  };
}

/** Without itself. */
function reachable(edges: ReadonlyMap<number, readonly number[]>, from: number): number[] {
  const seen = new Set<number>();
  const left = [...(edges.get(from) ?? [])];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    left.push(...(edges.get(next) ?? []));
  }
  seen.delete(from);
  return [...seen];
}
