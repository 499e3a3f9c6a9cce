import { definitionOf, servedBy, type Candidate, type CandidateKey, type Predicate } from './candidate.ts';
import { columnOf, type AdvisedTable } from './tables.ts';
import { proposeForParts, type Installed } from './propose-inverted.ts';
import type { Condition, Key, Occurrence, OrderKey } from './use.ts';

/** More keys make an index large, and the last ones hardly narrow anything down. */
const MAX_KEYS = 4;
/** So many columns are added for index-only scans, if they take no more than so many bytes. */
const MAX_INCLUDED = 6;
const MAX_INCLUDED_BYTES = 96;
/** A value that recurs in more rows than one in so many is worth an index of its own rows. */
const FEW_VALUES = 100;

/** What proposals depend on beside the place where a table is read. */
export interface Surroundings extends Installed {
  /** Comparisons with a constant that more than one statement makes, as `recurringOf` has them: others may be examples. */
  readonly recurring: ReadonlySet<string>;
}

/** The comparisons with a constant that recur in several of the statements. */
export function recurringOf(statements: readonly (readonly Occurrence[])[]): ReadonlySet<string> {
  const [once, again] = [new Set<string>(), new Set<string>()];
  for (const occurrences of statements) {
    for (const each of new Set(occurrences.flatMap(comparisonsOf))) (once.has(each) ? again : once).add(each);
  }
  return again;
}

function comparisonsOf({ table, conditions, alternatives }: Occurrence): string[] {
  return [...conditions, ...alternatives.flat()].flatMap(({ predicate }) =>
    predicate === undefined ? [] : comparisonId(table, predicate),
  );
}

function comparisonId({ oid }: AdvisedTable, predicate: string): string {
  return `${oid} ${predicate}`;
}

/** So many conditions, orders and arms of an OR are looked at: the most selective say what there is to say. */
const MAX_CONDITIONS = 6;
const MAX_ARMS = 10;
const MAX_CANDIDATES = 120;

/** Indexes that could help where a table is read, best guesses first; none that an existing one makes needless. */
export function propose(occurrence: Occurrence, surroundings: Surroundings): Candidate[] {
  const { conditions, alternatives } = occurrence;
  const sets = [conditions, ...alternatives.slice(0, MAX_ARMS).flatMap((arm) => [[...conditions, ...arm], arm])];
  const proposed = sets.flatMap((set) => [
    ...proposeTrees(occurrence, set, surroundings),
    ...proposeForParts(occurrence.table, set, surroundings),
  ]);
  const byDefinition = new Map(proposed.map((candidate) => [definitionOf(candidate), candidate]));
  return [...byDefinition.values()].filter((each) => servedBy(each) === undefined).slice(0, MAX_CANDIDATES);
}

/** Keys in their order, how many of them are of equalities, and what they are for. */
interface KeyList {
  readonly equal: readonly Key[];
  readonly following: readonly OrderKey[];
  readonly purpose: string;
}

function proposeTrees(occurrence: Occurrence, set: readonly Condition[], { recurring }: Surroundings): Candidate[] {
  const { table } = occurrence;
  const usable = set.filter(({ key }) => isOrdered(table, key));
  const lists = keyLists(occurrence, usable);
  const plain = lists.map((list) => candidateOf(table, list));
  return [
    ...plain,
    ...plain.flatMap((candidate) => covering(candidate, occurrence)),
    ...predicatesOf(table, usable, recurring)
      .slice(0, MAX_CONDITIONS)
      .flatMap((predicate) => lists.flatMap((list) => partial(occurrence, list, predicate))),
  ];
}

function keyLists(occurrence: Occurrence, set: readonly Condition[]): KeyList[] {
  const { table, orders, groups } = occurrence;
  const of = (kind: Condition['kind'], compared?: Condition['with']) =>
    bySelectivity(
      table,
      set.filter((each) => each.kind === kind && (compared === undefined || each.with === compared)),
    );
  const [constants, joins, ranges] = [of('equal', 'constant'), of('equal', 'join'), of('range')];
  const range = ranges.slice(0, 1).map(ascending);
  const ordered = orders
    .map(({ keys, limit }) => ({ keys: keys.filter(({ key }) => isOrdered(table, key)), limit, all: keys.length }))
    .filter(({ keys, all }) => keys.length === all && all > 0)
    .slice(0, MAX_CONDITIONS);
  const grouped = groups.filter((keys) => keys.every((key) => isOrdered(table, key))).slice(0, MAX_CONDITIONS);
  return [
    // without proof, the first that is left is the one to name
    list(constants, range, 'its equalities and ranges'),
    list([...joins, ...constants], range, 'its joins, equalities and ranges'),
    list([...constants, ...joins], range, 'its equalities, joins and ranges'),
    ...joins.flatMap((join) => [
      list([join], [], 'a join'),
      list([join, ...constants], range, 'a join and its filters'),
    ]),
    ...ordered.flatMap(({ keys, limit }) => [
      list(constants, keys, 'its equalities, in the order that is asked for'),
      ...(joins.length > 0 ? [list([...joins, ...constants], keys, 'a join, in the order that is asked for')] : []),
      ...(limit ? [list([], keys, 'the first rows of an order')] : []),
    ]),
    ...grouped.flatMap((keys) => [
      list(constants, keys.map(ascending), 'its equalities, by groups'),
      list([], keys.map(ascending), 'groups'),
    ]),
    ...constants.map((key) => list([key], [], 'an equality')),
    ...constants.flatMap((a) => constants.filter((b) => b !== a).map((b) => list([a, b], [], 'two equalities'))),
    ...ranges.map((key) => list([], [ascending(key)], 'a range')),
    ...ranges.flatMap((key) => constants.map((equal) => list([equal], [ascending(key)], 'an equality and a range'))),
  ].filter(({ equal, following }) => equal.length + following.length > 0);
}

/** A key stands once, and those of equalities come first. */
function list(equal: readonly Key[], following: readonly OrderKey[], purpose: string): KeyList {
  const first = unique(equal).slice(0, MAX_KEYS);
  const known = new Set(first.map(({ text }) => text));
  const rest = following.filter(({ key }) => !known.has(key.text)).slice(0, MAX_KEYS - first.length);
  // an order from end to beginning is read backward
  const isBackward = rest.length > 0 && rest.every(({ isDescending, nullsFirst }) => isDescending && nullsFirst);
  return { equal: first, following: isBackward ? rest.map(({ key }) => ascending(key)) : rest, purpose };
}

function ascending(key: Key): OrderKey {
  return { key, isDescending: false, nullsFirst: false };
}

function unique(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [key.text, key])).values()];
}

/** Those that leave the fewest rows first; of what is not known, in the order of the text. */
function bySelectivity(table: AdvisedTable, conditions: readonly Condition[]): Key[] {
  const keys = unique(conditions.map(({ key }) => key));
  const distinct = ({ columns }: Key) => columnOf(table, columns[0] ?? '')?.distinct ?? 0;
  return keys.toSorted((a, b) => distinct(b) - distinct(a)).slice(0, MAX_CONDITIONS);
}

function candidateOf(table: AdvisedTable, { equal, following, purpose }: KeyList): Candidate {
  const keys: CandidateKey[] = [...equal.map(ascending), ...following].map(({ key, isDescending, nullsFirst }) => ({
    ...key,
    isDescending,
    nullsFirst,
  }));
  return { table, method: 'btree', keys, equalities: equal.length, include: [], predicate: undefined, purpose };
}

/** With the columns that the statement needs beside the keys, so that the table need not be read. */
function covering(candidate: Candidate, { used, whole }: Occurrence): Candidate[] {
  const { table, keys } = candidate;
  const held = new Set(keys.filter(({ isExpression }) => !isExpression).flatMap(({ columns }) => columns));
  const missing = [...used].filter((column) => !held.has(column));
  const width = missing.reduce((sum, name) => sum + (columnOf(table, name)?.width ?? 8), 0);
  const isUseful = !whole && missing.length > 0 && missing.length <= MAX_INCLUDED && width <= MAX_INCLUDED_BYTES;
  return isUseful
    ? [{ ...candidate, include: missing, purpose: `${candidate.purpose}, without reading the table` }]
    : [];
}

/** Conditions that few rows meet, and that the text says outright. */
function predicatesOf(table: AdvisedTable, set: readonly Condition[], recurring: ReadonlySet<string>): Predicate[] {
  return set.flatMap(({ key, kind, predicate, operator }) => {
    const column = key.columns[0];
    if (predicate === undefined || column === undefined || key.isExpression) return [];
    const share = shareOf(table, column, kind === 'state' ? operator : '=');
    const isRare =
      kind === 'state'
        ? share === null || share <= 0.5
        : recurring.has(comparisonId(table, predicate)) && isFew(columnOf(table, column)?.distinct);
    return isRare ? [{ text: predicate, columns: [column], share }] : [];
  });
}

function isFew(distinct: number | null | undefined): boolean {
  return distinct !== null && distinct !== undefined && distinct > 1 && distinct <= FEW_VALUES;
}

function shareOf(table: AdvisedTable, name: string, operator: string): number | null {
  const { distinct = null, nullFraction = null } = columnOf(table, name) ?? {};
  if (operator === 'IS NULL') return nullFraction;
  if (operator === 'IS NOT NULL') return nullFraction === null ? null : 1 - nullFraction;
  if (operator === '=') return distinct === null || distinct === 0 ? null : 1 / distinct;
  return null;
}

/** The rows of the predicate only, so that its column need not be a key. */
function partial(occurrence: Occurrence, keys: KeyList, predicate: Predicate): Candidate[] {
  const rest = list(
    keys.equal.filter(({ columns }) => !predicate.columns.includes(columns[0] ?? '')),
    keys.following.filter(({ key }) => !predicate.columns.includes(key.columns[0] ?? '')),
    `${keys.purpose}, of the rows that are asked for only`,
  );
  if (rest.equal.length + rest.following.length === 0) return [];
  const candidate = { ...candidateOf(occurrence.table, rest), predicate };
  return [candidate, ...covering(candidate, withoutColumns(occurrence, predicate.columns))];
}

function withoutColumns({ used, ...occurrence }: Occurrence, columns: readonly string[]): Occurrence {
  return { ...occurrence, used: new Set([...used].filter((each) => !columns.includes(each))) };
}

/** Types whose values a B-tree orders, and whose order or equality people ask for. */
const UNORDERED =
  /^(?:json|jsonb|xml|point|line|lseg|box|path|polygon|circle|tsvector|tsquery|refcursor|aclitem|xid|cid|geometry|geography|vector|hstore)$|\[\]$/;

function isOrdered(table: AdvisedTable, { columns, isExpression, text }: Key): boolean {
  if (isExpression) return !text.startsWith('pg_catalog.to_tsvector');
  const type = columnOf(table, columns[0] ?? '')?.type;
  return type !== undefined && !UNORDERED.test(type);
}
