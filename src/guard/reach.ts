import type { DefinitionKind, UseRow } from './catalog-rows.ts';
import type { Reach } from './facts.ts';
import type { QualifiedName } from './name.ts';
import type { References } from './references.ts';

const NONE: References = { relations: [], functions: [], operators: [], types: [], attributes: [], ctes: new Set() };
const NOWHERE = { at: -1 };

export function reachOfTypes(types: readonly QualifiedName[]): Reach {
  return { ...NONE, through: 'types', types: types.map(({ schema, name }) => ({ schema, name, ...NOWHERE })) };
}

export function reachOfFunctions(through: 'types' | 'cast', functions: readonly QualifiedName[]): Reach {
  return {
    ...NONE,
    through,
    functions: functions.map((name) => ({ ...name, ...NOWHERE, argumentCount: undefined })),
  };
}

/**
 * What a text says that PostgreSQL wrote under `search_path = pg_catalog`: a name without a schema is of `pg_catalog`, and
 * what looks like a column is one, since it writes functions of rows as calls.
 */
export function reachOfText(through: DefinitionKind, references: References): Reach {
  return {
    through,
    relations: references.relations.map(qualified),
    // what a definition shows alone, a statement over it can put together with other values
    functions: references.functions.map((each) => ({ ...qualified(each), isAlone: false })),
    operators: references.operators.map(qualified),
    types: references.types.map(qualified),
    attributes: [],
    ctes: new Set(),
  };
}

/** What pg_depend says that a definition uses: only objects of users, and those all. */
export function reachOfUse([through, , what, schema, name, arity]: UseRow): Reach {
  const named = { schema, name, ...NOWHERE };
  if (what === 'type') return { ...NONE, through, types: [named] };
  if (what === 'function') return { ...NONE, through, functions: [{ ...named, argumentCount: undefined }] };
  if (what === 'operator') return { ...NONE, through, operators: [{ ...named, arity: arity === 1 ? 1 : 2 }] };
  return { ...NONE, through, relations: [{ ...named, only: false, alias: undefined, sampled: false, form: 'from' }] };
}

/** The rows of a materialized view are there: reading them calls nothing of what made them. */
export function relationsOnly({ through, relations }: Reach): Reach {
  return { ...NONE, through, relations };
}

function qualified<T extends QualifiedName>(name: T): T {
  return { ...name, ...NOWHERE, schema: name.schema ?? 'pg_catalog' };
}
