import type { DataAccess } from './access.ts';
import type { CatalogFacts, TypeFacts } from './facts.ts';
import { hiddenColumns } from './hidden-columns.ts';
import { hidingOf, type Hiding } from './hidden-relations.ts';
import { CATALOGUE_TYPES } from './reviewed-functions.ts';

/**
 * What a value of the type would tell of what the rules deny: a row of a relation has the names of its columns. Counted are
 * arrays, domains, ranges and composites of such a type too, and of types that turn numbers into names. Columns that are
 * masked may be named.
 */
export function hidingOfType(type: TypeFacts, facts: CatalogFacts, access: DataAccess): Hiding {
  if (!access.hides) return 'nothing';
  const parts = type.reaches
    .filter(({ through }) => through === 'types')
    .flatMap(({ types }) => types.flatMap((name) => facts.type(name) ?? []));
  const hidings = [type, ...parts].map((part) => hidingOfPart(part, facts, access));
  return (['all', 'columns'] as const).find((hiding) => hidings.includes(hiding)) ?? 'nothing';
}

/** A row of something that is not known hides all. */
function hidingOfPart(part: TypeFacts, facts: CatalogFacts, access: DataAccess): Hiding {
  const { schema, name, kind, isBuiltIn, extension } = part;
  if (isBuiltIn) return CATALOGUE_TYPES.has(name.replace(/^_/, '')) ? 'columns' : 'nothing';
  if (extension === undefined && access.relation(schema, name).access === 'denied') return 'all';
  if (kind !== 'composite') return 'nothing';
  const relation = facts.relation({ schema, name });
  if (relation === undefined || hidingOf(relation, facts, access) === 'all') return 'all';
  const hidden = hiddenColumns(relation, facts, access);
  if (hidden === undefined) return 'all';
  return [...hidden.values()].includes('denied') ? 'columns' : 'nothing';
}
