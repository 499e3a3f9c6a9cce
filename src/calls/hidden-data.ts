import type { ReadOnlySession } from '../postgres/database.ts';
import type { DataRules } from '../policy/policy.ts';
import { readHiddenNames, type HiddenName } from './hidden-names.ts';
import { createHiddenWords, type HiddenWords } from './hidden-words.ts';

/** A relation by its name, or by its oid. */
export type Place = { readonly schema: string; readonly table: string } | { readonly oid: number };

/** What of one database is hidden from a caller, in one transaction. Wherever it cannot tell, it says hidden. */
export interface HiddenData {
  schema(schema: string): boolean;
  /** `schema` is null where it is not known. */
  relation(schema: string | null, name: string): boolean;
  /** The same by its oid, whatever it is called now; false of a view over what is hidden. */
  isRelation(oid: number): boolean;
  /** `place` is undefined where it is not known. */
  column(place: Place | undefined, column: string): boolean;
  isMasked(place: Place | undefined, column: string): boolean;
  /** A constraint, trigger, policy, index or statistics object of the table. */
  object(place: Place | undefined, name: string): boolean;
  /** Whether the bound of the partition shows values that the caller may not see. */
  bound(place: Place | undefined): boolean;
  /** Whether a text may name what is hidden. */
  mentions(text: string): boolean;
  /** Whether a text may name what is hidden or show values of a masked column. */
  reveals(text: string): boolean;
  /** As `mentions`, for a statement that may be cut off, of this database or, with `elsewhere`, of another. */
  statement(text: string, elsewhere: boolean): boolean;
}

/** A statement of at least so many bytes may have been cut: track_activity_query_size is 100 or more. */
const MAY_BE_CUT = 99;

/** Reads what the rules come to in the database of the session. */
export async function readHiddenData(session: ReadOnlySession, rules: DataRules): Promise<HiddenData> {
  return createHiddenData(rules, await readHiddenNames(session, rules));
}

/** The same for names that are known already. */
export function createHiddenData(rules: DataRules, names: readonly HiddenName[]): HiddenData {
  const known = index(names);
  const denied = wordsOf(rules, names);
  const masked = createHiddenWords();
  for (const pattern of rules.masked) masked.addPattern(pattern);
  for (const { kind, name } of names) if (kind === 'masked') masked.add(name);
  const literals = literalsOf(rules);
  // in another database, nobody knows what a name without its schema means
  const isBlindElsewhere = rules.denied.some(
    ({ schema, table }) => table.isGlob && !(schema.isGlob && schema.name === '*'),
  );

  const has = (kind: HiddenName['kind'], place: Place | undefined, name = '') =>
    place === undefined ? known.anywhere(kind, name) : known.has(kind, keyOf(place, name));
  const byRule = (place: Place, column: string) =>
    'oid' in place ? undefined : rules.column(place.schema, place.table, column).access;
  return {
    schema: (schema) => rules.schema(schema).access === 'denied',
    relation(schema, name) {
      if (schema === null) return known.anywhere('relation', name) || denied.isIn(name);
      const place = { schema, table: name };
      return rules.relation(schema, name).access === 'denied' || has('relation', place) || has('dependent', place);
    },
    isRelation: (oid) => has('relation', { oid }) || has('dependent', { oid }),
    column: (place, column) =>
      has('column', place, column) || (place !== undefined && byRule(place, column) === 'denied'),
    isMasked: (place, column) =>
      has('masked', place, column) || (place !== undefined && byRule(place, column) === 'masked'),
    object: (place, name) => has('object', place, name),
    bound: (place) => (place === undefined ? known.anywhere('bound') : has('bound', place)),
    mentions: (text) => denied.isIn(text),
    reveals: (text) => denied.isIn(text) || masked.isIn(text),
    statement(text, elsewhere) {
      if (elsewhere && (isBlindElsewhere || literals.some((name) => text.toLowerCase().includes(name)))) return true;
      return denied.isIn(text, Buffer.byteLength(text) >= MAY_BE_CUT);
    },
  };
}

function wordsOf(rules: DataRules, names: readonly HiddenName[]): HiddenWords {
  const words = createHiddenWords();
  for (const pattern of rules.denied) words.addPattern(pattern);
  for (const { kind, schema, table, name } of names) {
    if (kind === 'relation' || kind === 'dependent') words.addIn(schema, table);
    if (kind === 'column' || kind === 'object') words.add(name);
  }
  return words;
}

/** In another database, the names of indexes and sequences of a hidden table begin with that of the table. */
function literalsOf({ denied }: DataRules): string[] {
  return denied.flatMap(({ table, column }) => {
    const named = column ?? table;
    return named.isGlob ? [] : [named.name.toLowerCase()];
  });
}

function index(names: readonly HiddenName[]) {
  const keys = new Map<string, Set<string>>();
  const put = (kind: string, key: string) => keys.set(kind, (keys.get(kind) ?? new Set()).add(key));
  for (const { kind, oid, schema, table, name } of names) {
    put(kind, keyOf({ schema, table }, name));
    put(kind, keyOf({ oid }, name));
    put(`any ${kind}`, kind === 'relation' || kind === 'dependent' ? table : name);
    if (kind === 'dependent') put('any relation', table);
  }
  return {
    has: (kind: string, key: string) => keys.get(kind)?.has(key) === true,
    anywhere: (kind: string, name = '') => keys.get(`any ${kind}`)?.has(name) === true,
  };
}

function keyOf(place: Place, name: string): string {
  return JSON.stringify('oid' in place ? [place.oid, name] : [place.schema, place.table, name]);
}
