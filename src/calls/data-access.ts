import type { DataAccess } from '../guard/access.ts';
import type { CompiledPersona } from '../policy/policy.ts';

const VISIBLE = { access: 'visible' } as const;

const everything: DataAccess = {
  hides: false,
  relation: () => VISIBLE,
  column: () => VISIBLE,
  grantsRelation: () => false,
  grantsFunction: () => false,
};

const known = new WeakMap<CompiledPersona, DataAccess>();

/** What statements of a caller may reach; the same object for as long as the rules of the persona are in force. */
export function dataAccessOf(persona: CompiledPersona): DataAccess {
  const access = known.get(persona) ?? compile(persona);
  known.set(persona, access);
  return access;
}

function compile({ data }: CompiledPersona): DataAccess {
  if (data === undefined) return everything;
  return {
    ...everything,
    hides: true,
    relation: (schema, name) => data.relation(schema, name),
    column: (schema, relation, column) => data.column(schema, relation, column),
  };
}
