import type { DataAccess } from './access.ts';
import type { CatalogFacts, RelationFacts, TypeFacts } from './facts.ts';
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
 * Judges what the statement reaches by views, row security, domains and inheritance as if it were written there. What
 * initdb made is known and not looked into.
 */
export function judgeReached(references: References, facts: CatalogFacts, access: DataAccess): Refusal | undefined {
  return follow(references, { facts, access, seen: new Set() });
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
  if (unreadable) {
    return refuse('relation/unreadable', `What ${schema}.${name} reaches cannot be read.`);
  }
  for (const member of family) {
    const facts = path.facts.relationByOid(member);
    const refusal = facts && followRelation(facts, path);
    if (refusal !== undefined) return refusal;
  }
  return followAll(reaches, `${schema}.${name}`, path);
}

function followType(type: TypeFacts, path: Path): Refusal | undefined {
  const { oid, schema, name, isBuiltIn, reaches } = type;
  if (isBuiltIn || path.seen.has(`t${oid}`)) return undefined;
  path.seen.add(`t${oid}`);
  return followAll(reaches, `${schema}.${name}`, path);
}

function followAll(reaches: readonly References[], from: string, path: Path): Refusal | undefined {
  for (const references of reaches) {
    const refusal = judgeNames(references, path.facts, path.access) ?? follow(references, path);
    if (refusal !== undefined) return { ...refusal, reason: `In ${from}: ${refusal.reason}` };
  }
  return undefined;
}
