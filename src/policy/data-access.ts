import type { DataAccess } from '../guard/access.ts';
import type { CompiledPersona } from './policy.ts';

const VISIBLE = { access: 'visible' } as const;

type Rules = Pick<CompiledPersona, 'data' | 'dataGrants'>;

/** Verdicts are kept under the object. */
const made = new WeakMap<Rules, DataAccess>();

/** What the guard asks of a persona, also of one that has no rules for data; the same object for the same persona. */
export function dataAccessOf(persona: Rules): DataAccess {
  const known = made.get(persona) ?? accessOf(persona);
  made.set(persona, known);
  return known;
}

function accessOf({ data, dataGrants }: Rules): DataAccess {
  return {
    hides: data !== undefined,
    relation: (schema, name) => data?.relation(schema, name) ?? VISIBLE,
    column: (schema, relation, column) => data?.column(schema, relation, column) ?? VISIBLE,
    grantsRelation: (schema, name) => dataGrants.relation(schema, name).allowed,
    grantsFunction: (schema, name) => dataGrants.function(schema, name).allowed,
  };
}
