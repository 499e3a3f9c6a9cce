import type { Access, DataAccess } from './access.ts';
import type { CatalogFacts, ColumnFacts, RelationFacts } from './facts.ts';
import { TELLING_TYPES, type Hiding, type Shown } from './mask-expression.ts';

/** The most hiding first: of several rules that hold for one column, the first of these counts. */
const STRICTEST: readonly Hiding[] = ['denied', 'null', 'redact', 'hash', 'last4', 'partial', 'year', 'as text'];

/**
 * What the rules hide of the columns of a relation, by their names. The rules of its parents and children count for the
 * column of the same name, since one is read through the other, and a column that is generated from a hidden one is
 * hidden with it. A column of a type that tells names is shown as a text, so that no number beside it is read as one.
 * Undefined where something of that is not known.
 */
export function hiddenColumns(
  relation: RelationFacts,
  facts: CatalogFacts,
  access: DataAccess,
): ReadonlyMap<string, Hiding> | undefined {
  const family = [relation];
  for (const oid of relation.family) {
    const member = facts.relationByOid(oid);
    if (member === undefined) return undefined;
    family.push(member);
  }
  const hidden = new Map<string, Hiding>();
  for (const column of relation.columns) {
    const { name } = column;
    const hiding =
      strictest(hidingsOf(family, name, access)) ??
      hidingOfGenerated(family, name, access) ??
      hidingOfType(column, access);
    if (hiding !== undefined) hidden.set(name, hiding);
  }
  return hidden;
}

function strictest(hidings: readonly Hiding[]): Hiding | undefined {
  return STRICTEST.find((each) => hidings.includes(each));
}

function hidingsOf(family: readonly RelationFacts[], column: string, access: DataAccess): Hiding[] {
  return family
    .filter(({ columns }) => columns.some(({ name }) => name === column))
    .flatMap(({ schema, name }) => toHidings(access.column(schema, name, column)));
}

function toHidings(access: Access): Hiding[] {
  if (access.access === 'visible') return [];
  return [access.access === 'denied' ? 'denied' : access.mask];
}

/** Asked where it has no rule of its own: then it shows nothing of what it is made from. */
function hidingOfGenerated(family: readonly RelationFacts[], column: string, access: DataAccess): Hiding | undefined {
  const sources = family.flatMap(({ columns }) => columns.find(({ name }) => name === column)?.generatedFrom ?? []);
  const hidings = sources.flatMap((source) => hidingsOf(family, source, access));
  if (hidings.length === 0) return undefined;
  return hidings.includes('denied') ? 'denied' : 'null';
}

function hidingOfType({ typeOid, baseType }: ColumnFacts, { hides }: DataAccess): Hiding | undefined {
  return hides && TELLING_TYPES.has(baseType?.oid ?? typeOid) ? 'as text' : undefined;
}

/** `oid.attnum` of every column whose values must not arrive, of the relations and of their parents and children. */
export function maskedColumnsOf(
  relations: readonly RelationFacts[],
  facts: CatalogFacts,
  access: DataAccess,
): ReadonlySet<string> {
  const keys = new Set<string>();
  const all = new Map(relations.map((relation) => [relation.oid, relation]));
  for (const oid of relations.flatMap(({ family }) => family)) {
    const member = facts.relationByOid(oid);
    if (member !== undefined) all.set(oid, member);
  }
  for (const relation of all.values()) {
    const hidden = access.hides ? hiddenColumns(relation, facts, access) : new Map<string, Hiding>();
    for (const { name, number } of relation.columns) {
      if (hidden === undefined || hidden.has(name)) keys.add(`${relation.oid}.${number}`);
    }
  }
  return keys;
}

/** The columns that may be named at all, in their order. */
export function shownColumns(
  { columns }: RelationFacts,
  hidden: ReadonlyMap<string, Hiding>,
): readonly { readonly column: ColumnFacts; readonly mask: Shown | undefined }[] {
  return columns.flatMap((column) => {
    const hiding = hidden.get(column.name);
    return hiding === 'denied' ? [] : [{ column, mask: hiding }];
  });
}
