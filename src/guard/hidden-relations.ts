import type { DataAccess } from './access.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';

/** What the rules hide of a relation, its parents and children counted: rows of one are rows of the other. */
export type Hiding = 'nothing' | 'columns' | 'all';

/** A relative that is not known hides all. */
export function hidingOf(relation: RelationFacts, facts: CatalogFacts, access: DataAccess): Hiding {
  if (!access.hides) return 'nothing';
  const relatives = relation.family.map((oid) => facts.relationByOid(oid));
  const family = [relation, ...relatives.filter((relative) => relative !== undefined)];
  if (family.length <= relatives.length) return 'all';
  if (family.some(({ schema, name }) => access.relation(schema, name).access === 'denied')) return 'all';
  return family.some((member) => hidesColumn(member, relation, access)) ? 'columns' : 'nothing';
}

/** Whether a column that the relation shares with this member of its family is hidden, or made from a hidden one. */
function hidesColumn({ schema, name, columns }: RelationFacts, relation: RelationFacts, access: DataAccess): boolean {
  const isHidden = (column: string) => access.column(schema, name, column).access !== 'visible';
  const shared = new Set(relation.columns.map((column) => column.name));
  return columns.some((column) => shared.has(column.name) && [column.name, ...column.generatedFrom].some(isHidden));
}

/** Whether a rule hides relations of this name in a schema of the path, and not the whole schema; told by the rules alone. */
export function mayBeHidden(name: string, path: readonly string[], access: DataAccess): boolean {
  return path.some((schema) => {
    const [asked, any] = [access.relation(schema, name), access.relation(schema, UNHEARD_OF)];
    return asked.access === 'denied' && any.access !== 'denied';
  });
}

/** No rule means it, but one for every name of a schema. */
const UNHEARD_OF = '\u{10FFFF}';
