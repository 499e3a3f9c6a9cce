import { BUILT_IN_FUNCTIONS, BUILT_IN_OPERATORS, BUILT_IN_TYPES } from './built-ins.gen.ts';
import {
  ALLOWED_ARITIES,
  CATALOGUE,
  CATALOGUE_PATTERN,
  CATALOGUE_TYPES,
  PLAIN,
  REFUSED_IMMUTABLE,
} from './reviewed-functions.ts';

/** A function of pg_catalog, all overloads of all majors together. */
export interface BuiltIn {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** `catalogue` tells what may be hidden from the persona. */
  readonly kind: 'plain' | 'catalogue' | 'refused';
}

/** Those that PostgreSQL 12 to 18 come with; what is not here is not allowed. */
export const BUILT_INS: ReadonlyMap<string, BuiltIn> = new Map(
  Object.entries(BUILT_IN_FUNCTIONS).flatMap(([group, names]) => {
    const [, first, last, volatility = ''] = /^(\d+)-(\d+) (\S+)$/.exec(group) ?? [];
    return wordsOf(names).map((name) => [
      name,
      { name, first: Number(first), last: Number(last), kind: kindOf(name, volatility) },
    ]);
  }),
);

/** Every operator of pg_catalog stands for functions that are allowed; a test holds it. */
export const BUILT_IN_OPERATOR_NAMES: ReadonlySet<string> = new Set(wordsOf(BUILT_IN_OPERATORS));

const TYPES = new Set([...wordsOf(BUILT_IN_TYPES), 'int2vector', 'oidvector', 'record', 'unknown']);
/** Those of information_schema are domains over names, numbers and times. */
const SCHEMA_TYPES = new Set(['cardinal_number', 'character_data', 'sql_identifier', 'time_stamp', 'yes_or_no']);

/** What a type is by its name alone. */
export function builtInType(schema: string | undefined, name: string): 'plain' | 'catalogue' | 'unknown' {
  if (schema === 'information_schema') return SCHEMA_TYPES.has(name) ? 'plain' : 'unknown';
  const element = name.startsWith('_') ? name.slice(1) : name; // `_int4` is an array of int4
  if ((schema !== undefined && schema !== 'pg_catalog') || !TYPES.has(element)) return 'unknown';
  return CATALOGUE_TYPES.has(element) ? 'catalogue' : 'plain';
}

/** Whether overloads of that name with so many arguments are allowed; where the number is not known, all must be. */
export function allowsArity(name: string, argumentCount: number | undefined): boolean {
  const allowed = Object.hasOwn(ALLOWED_ARITIES, name) ? ALLOWED_ARITIES[name] : undefined;
  return allowed === undefined || (argumentCount !== undefined && allowed.includes(argumentCount));
}

function kindOf(name: string, volatility: string): BuiltIn['kind'] {
  if (volatility.includes('!') || REFUSED_IMMUTABLE.has(name)) return 'refused';
  if (CATALOGUE.has(name) || CATALOGUE_PATTERN.test(name)) return 'catalogue';
  return volatility === 'i' || PLAIN.has(name) ? 'plain' : 'refused';
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}
