import { FIRST_USER_OID, keyOf, type CatalogDraft, type RelationDraft } from './catalog-draft.ts';
import type { References } from './references.ts';

/** Whose definitions are to be read; but for `relations`, the parameters of `catalog-definitions.ts`. */
export interface Reading {
  /** Those that are read for the first time. */
  readonly relations: readonly RelationDraft[];
  readonly views: number[];
  readonly secured: number[];
  readonly computed: number[];
  readonly written: number[];
  readonly direct: number[];
  readonly types: number[];
}

/** Definitions that are not read yet, of what the references name; they count as read from here on. */
export function planReading(draft: CatalogDraft, wanted: readonly References[], isStatement: boolean): Reading {
  const relations: RelationDraft[] = [];
  const reading: Reading = { relations, views: [], secured: [], computed: [], written: [], direct: [], types: [] };
  const types = new Set(draft.returned);
  for (const { relations: named, types: namedTypes } of wanted) {
    for (const reference of named) {
      const relation = draft.relations.get(draft.relationsByName.get(keyOf(reference)) ?? 0);
      if (relation === undefined || relation.isSystem) continue;
      if (!relation.wasRead) {
        relations.push(relation);
        for (const { typeOid } of relation.columns) types.add(typeOid);
      }
      plan(reading, relation, { isTarget: reference.form === 'target', isStatement });
    }
    for (const name of namedTypes) types.add(draft.typesByName.get(keyOf(name)) ?? 0);
  }
  for (const oid of types) if (oid >= FIRST_USER_OID && !draft.types.has(oid)) reading.types.push(oid);
  return reading;
}

export function isNothing({ views, secured, computed, written, types }: Reading): boolean {
  return [views, secured, computed, written, types].every((list) => list.length === 0);
}

interface Use {
  readonly isTarget: boolean;
  /** Named by the statement itself, so that it is read as the login. */
  readonly isStatement: boolean;
}

function plan(reading: Reading, relation: RelationDraft, { isTarget, isStatement }: Use): void {
  const { oid } = relation;
  if (!relation.wasRead) {
    if (relation.kind === 'view' || relation.kind === 'materialized view') reading.views.push(oid);
    if (relation.hasVirtualColumns) reading.computed.push(oid);
    relation.wasRead = true;
  }
  if (isTarget) reading.written.push(oid);
  if (!relation.rowSecurity) return;
  const policies = isStatement ? 'own' : 'all';
  if (relation.policiesRead === 'all' || (relation.policiesRead === policies && !isTarget)) return;
  relation.policiesRead = policies;
  reading.secured.push(oid);
  if (isStatement) reading.direct.push(oid);
}
