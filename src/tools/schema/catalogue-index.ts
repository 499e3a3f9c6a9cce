import { breathe, type Column, type Comment, type Item } from './catalogue.ts';
import { createVocabulary, type Vocabulary } from './vocabulary.ts';

/** Where in an item a text stands. */
export const PLACES = [
  'name',
  'column',
  'comment',
  'column comment',
  'label',
  'argument',
  'partition',
  'schema',
] as const;
export type TextPlace = (typeof PLACES)[number];

/** A catalogue that is ready to be searched. */
export interface CatalogueIndex {
  readonly items: readonly Item[];
  readonly vocabulary: Vocabulary;
  /** The items that have a text, each as its number times 8 and the place of the text in it. */
  usesOf(text: number): readonly number[];
  text(text: number): string;
  /** The number of a name, column, comment or label; undefined where no item has it. */
  numberOf(value: string): number | undefined;
  /** Relations with foreign keys to the item, by the numbers of both. */
  readonly referrers: ReadonlyMap<number, readonly number[]>;
  /** Columns of an enum, or of arrays of it, by the `signature` of the enum. */
  readonly ofEnum: ReadonlyMap<string, readonly (readonly [Item, Column])[]>;
  /** Bytes that it takes, roughly. */
  readonly size: number;
}

/** Items that are taken in at one go, so that other calls get their turns. */
const SLICE = 200;

export async function indexCatalogue(items: readonly Item[]): Promise<CatalogueIndex> {
  const vocabulary = createVocabulary();
  const uses: number[][] = [];
  const texts = new Map<string, number>();
  const values: string[] = [];
  let columns = 0;
  for (let at = 0; at < items.length; at++) {
    const item = items[at];
    if (!item) continue;
    columns += item.columns.length;
    const seen = new Set<number>();
    for (const [place, value] of textsOf(item)) {
      const text = texts.get(value) ?? vocabulary.add(value);
      texts.set(value, text);
      values[text] = value;
      const use = at * PLACES.length + PLACES.indexOf(place);
      // a comment that many columns of a table have
      if (seen.has(text * PLACES.length + PLACES.indexOf(place))) continue;
      seen.add(text * PLACES.length + PLACES.indexOf(place));
      const list = uses[text];
      if (list) list.push(use);
      else uses[text] = [use];
    }
    if (at % SLICE === SLICE - 1) await breathe();
  }
  return {
    items,
    vocabulary,
    usesOf: (text) => uses[text] ?? [],
    text: (text) => values[text] ?? '',
    numberOf: (value) => texts.get(value),
    referrers: indexReferrers(items),
    ofEnum: indexEnums(items),
    size: 400 * items.length + 40 * columns + 6 * vocabulary.size,
  };
}

function* textsOf(item: Item): Generator<readonly [TextPlace, string]> {
  yield ['name', item.name];
  yield ['schema', item.schema];
  yield* commented('comment', item.comment);
  for (const { name, comment } of item.columns) {
    yield ['column', name];
    yield* commented('column comment', comment);
  }
  for (const label of item.labels) yield ['label', label];
  if (item.kind === 'function' && item.signature !== null) yield ['argument', item.signature];
  for (const { name } of item.partitions) yield ['partition', name];
}

function* commented(place: TextPlace, comment: Comment | null): Generator<readonly [TextPlace, string]> {
  if (comment !== null) yield [place, comment.shown];
}

function indexReferrers(items: readonly Item[]): ReadonlyMap<number, readonly number[]> {
  const numbers = new Map(items.map(({ oid, columns }, i) => [columns.length > 0 ? oid : -1, i]));
  const referrers = new Map<number, number[]>();
  for (const [from, { refersTo }] of items.entries()) {
    for (const oid of refersTo) {
      const to = numbers.get(oid);
      if (to === undefined || to === from) continue;
      const list = referrers.get(to);
      if (list) list.push(from);
      else referrers.set(to, [from]);
    }
  }
  return referrers;
}

function indexEnums(items: readonly Item[]): ReadonlyMap<string, readonly (readonly [Item, Column])[]> {
  const users = new Map<string, (readonly [Item, Column])[]>();
  for (const { kind, signature } of items) if (kind === 'enum' && signature !== null) users.set(signature, []);
  if (users.size === 0) return users;
  for (const item of items) {
    for (const column of item.columns) users.get(column.type.replace(/\[\]$/, ''))?.push([item, column]);
  }
  return users;
}
