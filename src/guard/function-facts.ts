import type { FunctionRows } from './catalog-rows.ts';
import type { FunctionFacts } from './facts.ts';

/** Everything that initdb makes has an OID below. */
export const FIRST_USER_OID = 16_384;

const VOLATILITIES: Readonly<Record<string, FunctionFacts['volatility']>> = { i: 'immutable', s: 'stable' };

export function functionFacts({ functions, argument_types }: FunctionRows): readonly FunctionFacts[] {
  const types = new Map(argument_types.map(([oid, schema, name]) => [String(oid), `${schema}.${name}`]));
  return functions.map((row) => ({
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    isBuiltIn: row.oid < FIRST_USER_OID && row.schema === 'pg_catalog',
    extension: row.extension ?? undefined,
    language: row.language,
    volatility: VOLATILITIES[row.volatility] ?? 'volatile',
    arguments: row.arguments === '' ? [] : row.arguments.split(' ').map((oid) => types.get(oid) ?? oid),
    takesRow: row.takes_row,
  }));
}
