import type { DataAccess } from './access.ts';
import type { CatalogFacts, Reach, RelationFacts, TypeFacts } from './facts.ts';
import { judgeNames } from './judge-names.ts';
import type { References } from './references.ts';
import { refuse } from './rules.ts';
import type { Refusal } from './verdict.ts';

interface Path {
  readonly facts: CatalogFacts;
  readonly access: DataAccess;
  /** OIDs of relations and of types that were judged, or are being judged. */
  readonly seen: Set<string>;
}

/**
 * Judges the functions, operators and types that the statement reaches by views, row security, domains, inheritance and
 * casts as if they were written there. What initdb made is known and not looked into.
 */
export function judgeReached(references: References, facts: CatalogFacts, access: DataAccess): Refusal | undefined {
  const path = { facts, access, seen: new Set<string>() };
  return follow(references, path) ?? followAll(facts.unnamed, 'a cast', path);
}

function follow(references: References, path: Path): Refusal | undefined {
  const { facts } = path;
  for (const reference of references.relations) {
    const relation = facts.relation(reference);
    const refusal = relation && followRelation(relation, path);
    if (refusal !== undefined) return { ...refusal, ...(reference.at >= 0 && { at: reference.at }) };
  }
  for (const reference of [...references.types, ...references.functions.filter((f) => f.argumentCount === 1)]) {
    const type = facts.type(reference);
    const refusal = type && followType(type, path);
    if (refusal !== undefined) return { ...refusal, ...(reference.at >= 0 && { at: reference.at }) };
  }
  return undefined;
}

function followRelation(relation: RelationFacts, path: Path): Refusal | undefined {
  const { oid, schema, name, isSystem, unreadable, family, reaches } = relation;
  if (isSystem || path.seen.has(`r${oid}`)) return undefined;
  path.seen.add(`r${oid}`);
  if (unreadable) return refuse('relation/unreadable', `What ${schema}.${name} reaches could not be read.`);
  for (const member of family) {
    const facts = path.facts.relationByOid(member);
    const refusal = facts && followRelation(facts, path);
    if (refusal !== undefined) return refusal;
  }
  // a view over what is hidden may tell of it where the persona was granted that view
  const isGranted = path.access.hides && path.access.grantsRelation(schema, name);
  return followAll(reaches, `${schema}.${name}`, isGranted ? { ...path, access: opened(path.access) } : path);
}

function followType(type: TypeFacts, path: Path): Refusal | undefined {
  const { oid, schema, name, isBuiltIn, unreadable, reaches } = type;
  if (isBuiltIn || path.seen.has(`t${oid}`)) return undefined;
  path.seen.add(`t${oid}`);
  if (unreadable) return refuse('relation/unreadable', `What the type ${schema}.${name} checks could not be read.`);
  return followAll(reaches, `${schema}.${name}`, path);
}

function followAll(reaches: readonly Reach[], from: string, path: Path): Refusal | undefined {
  for (const reach of reaches) {
    // what only decides about rows or values tells the caller nothing of catalogues
    const access = reach.through === 'definition' ? path.access : opened(path.access);
    const refusal = judgeNames(reach, path.facts, access) ?? follow(reach, path);
    if (refusal !== undefined) return { ...refusal, reason: `In ${from}: ${refusal.reason}` };
  }
  return undefined;
}

function opened(access: DataAccess): DataAccess {
  return {
    hides: false,
    relation: (...name) => access.relation(...name),
    column: (...name) => access.column(...name),
    grantsRelation: (...name) => access.grantsRelation(...name),
    grantsFunction: (...name) => access.grantsFunction(...name),
  };
}
