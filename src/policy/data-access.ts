import type { DataAccess } from '../guard/access.ts';
import type { CompiledPersona } from './policy.ts';

const VISIBLE = { access: 'visible' } as const;

/** What the guard asks of a persona, also of one that has no rules for data. */
export function dataAccessOf({ data, dataGrants }: Pick<CompiledPersona, 'data' | 'dataGrants'>): DataAccess {
  return {
    hides: data !== undefined,
    relation: (schema, name) => data?.relation(schema, name) ?? VISIBLE,
    column: (schema, relation, column) => data?.column(schema, relation, column) ?? VISIBLE,
    grantsRelation: (schema, name) => dataGrants.relation(schema, name).allowed,
    grantsFunction: (schema, name) => dataGrants.function(schema, name).allowed,
  };
}
