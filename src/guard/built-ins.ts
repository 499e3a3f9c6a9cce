import type { ConnectionFacts, ReadOnlySession } from '../postgres/database.ts';
import { BUILT_INS } from './catalog-functions.ts';
import { decodeCatalog, type BuiltInRows } from './catalog-rows.ts';
import type { FunctionFacts } from './facts.ts';
import { functionFacts } from './function-facts.ts';

type ByName = Map<string, readonly FunctionFacts[]>;

/** Functions that initdb makes, by their names and by those of the operators that call them; empty for a name of neither. */
export interface BuiltIns {
  readonly functions: ByName;
  readonly operators: ByName;
}

export interface BuiltInNames {
  readonly functions: ReadonlySet<string>;
  readonly operators: ReadonlySet<string>;
}

/** More names than PostgreSQL has of both. */
const MAX_NAMES = 10_000;

/** They are the same for as long as a connection lives. */
const cache = new WeakMap<ConnectionFacts, BuiltIns>();

/** What is known has these names in it; only those that were never asked for on this connection cost a round trip. */
export async function loadBuiltIns(session: ReadOnlySession, names: BuiltInNames): Promise<BuiltIns> {
  const known = cache.get(session.facts) ?? { functions: new Map(), operators: new Map() };
  const functions = [...names.functions].filter((name) => !known.functions.has(name));
  const operators = [...names.operators].filter((name) => !known.operators.has(name));
  if (functions.length + operators.length === 0) return known;
  const answer = await session.query(BUILT_INS, {
    names: JSON.stringify([...named('functions', functions), ...named('operators', operators)]),
  });
  const rows = decodeCatalog(answer) as BuiltInRows;
  const isFull = known.functions.size + known.operators.size > MAX_NAMES;
  const next: BuiltIns = isFull ? { functions: new Map(), operators: new Map() } : known;
  const facts = new Map(functionFacts(rows).map((fact) => [fact.oid, fact]));
  for (const name of functions) next.functions.set(name, []);
  for (const name of operators) next.operators.set(name, []);
  for (const [byOperator, name, oid] of rows.called) {
    const byName = byOperator ? next.operators : next.functions;
    const [fact, found = []] = [facts.get(oid), byName.get(name)];
    if (fact !== undefined && !found.includes(fact)) byName.set(name, [...found, fact]);
  }
  cache.set(session.facts, next);
  return next;
}

function named(kind: keyof BuiltInNames, names: readonly string[]) {
  return names.map((name) => ({ kind, name }));
}
