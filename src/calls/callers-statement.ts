import { PlatformError } from '../core/errors.ts';
import type { Approved } from '../guard/guard.ts';
import type { ForeignStatement } from '../postgres/database.ts';
import { parameterText } from '../postgres/parameter-text.ts';
import { oidOfType, TYPE_NAMES } from '../postgres/type-names.ts';
import { nearest } from '../core/nearest.ts';
import { lex } from '../sqltext/lexer.ts';
import type { ExplainOptions, TypedParameter } from './callers-sql.ts';

/** The number of parameters is sent in two bytes. */
const MAX_PARAMETERS = 65_535;

export type Bound = Pick<ForeignStatement, 'values' | 'types'>;

/** Fails with INVALID_INPUT for a type that is none, and for too many or too few of them. */
export function bindParameters(given: readonly TypedParameter[], wanted: number): Bound {
  if (given.length !== wanted || given.length > MAX_PARAMETERS) {
    throw new PlatformError(
      'INVALID_INPUT',
      `The statement has ${wanted} ${wanted === 1 ? 'parameter' : 'parameters'}, and ${given.length} were given.`,
      { hint: 'Give one value for each of $1, $2 and so on, in their order.' },
    );
  }
  return {
    values: given.map(({ value }) => parameterText(value)),
    types: given.map(({ type }, i) => (type === undefined ? 0 : requireType(type, i + 1))),
  };
}

function requireType(name: string, number: number): number {
  const oid = oidOfType(name);
  if (oid !== undefined) return oid;
  const near = nearest(name.toLowerCase(), TYPE_NAMES);
  const advice = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new PlatformError(
    'INVALID_INPUT',
    `$${number} has the type ${JSON.stringify(name.slice(0, 60))}, which is none.`,
    {
      hint: `Name a built-in type, such as integer, numeric, text, date or text[], or leave it out and write a cast: $${number}::app.mood.${advice}`,
    },
  );
}

const BEFORE = 'SELECT * FROM (';

/** A statement as it is sent, and how much stands in front of the caller's own text. */
export interface Wrapped {
  readonly text: string;
  readonly offset: number;
}

/**
 * No more rows than `most` leave the server, by a plan that may still be parallel; SHOW and EXPLAIN are no queries that
 * another could hold. The line break ends a comment.
 */
export function boundRows({ kind, text }: Pick<Approved, 'kind' | 'text'>, most: number): Wrapped {
  if (kind !== 'select') return { text, offset: 0 };
  return { text: `${BEFORE}${text}\n) q LIMIT ${most}`, offset: BEFORE.length };
}

export function explained(text: string, options: ExplainOptions = {}): Wrapped {
  const { analyze, buffers, verbose, settings } = options;
  const flags = { ANALYZE: analyze, BUFFERS: buffers, VERBOSE: verbose, SETTINGS: settings };
  const on = Object.entries(flags).flatMap(([flag, isOn]) => (isOn === true ? [flag] : []));
  const before = `EXPLAIN (${['FORMAT JSON', ...on].join(', ')}) `;
  return { text: before + text, offset: before.length };
}

const GENERIC = 'howdah_generic';
export const DEALLOCATE_GENERIC = `DEALLOCATE ${GENERIC}`;

/**
 * The extended protocol takes the parameters of EXPLAIN (GENERIC_PLAN) for its own; a prepared statement has the same plan,
 * on every version. One that the text does not name is of no type that PostgreSQL could find.
 */
export function preparedGeneric(text: string, parameters: number): Wrapped {
  const { tokens } = lex(text);
  const named = new Set(
    tokens.flatMap(({ kind, start, end }) => (kind === 'parameter' ? [text.slice(start + 1, end)] : [])),
  );
  const types = numbers(parameters).map((n) => (named.has(String(n)) ? 'unknown' : 'text'));
  const before = `PREPARE ${GENERIC}${types.length === 0 ? '' : ` (${types.join(', ')})`} AS `;
  return { text: before + text, offset: before.length };
}

/** The values are not looked at: under `plan_cache_mode = force_generic_plan` the plan serves all. */
export function executedGeneric(parameters: number): string {
  return parameters === 0
    ? `EXECUTE ${GENERIC}`
    : `EXECUTE ${GENERIC} (${numbers(parameters)
        .map(() => 'NULL')
        .join(', ')})`;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
