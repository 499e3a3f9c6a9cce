import { PLACES, type CatalogueIndex, type TextPlace } from './catalogue-index.ts';
import type { CatalogueSight } from './catalogue-sight.ts';
import type { Column, Item, Kind } from './catalogue.ts';
import type { Asked } from './synonyms.ts';
import type { Match } from './vocabulary.ts';
import { fold } from './words.ts';

/** An item that was found. */
export interface Hit {
  readonly item: Item;
  /** From 0; more than 1 where the name is just what was asked for. */
  readonly score: number;
  /** For each part of the question what was found, the likest first. */
  readonly reasons: () => Reason[];
}

export interface Reason {
  readonly place: TextPlace;
  /** Of the text in that place, or the phrase that stands there. */
  readonly word: string;
  /** The column that it stands in or at. */
  readonly column: Column | undefined;
}

export interface Scope {
  readonly kinds: ReadonlySet<Kind>;
  readonly schema: string | undefined;
}

/** How much a word counts where it stands. */
const WEIGHTS: Readonly<Record<TextPlace, number>> = {
  name: 1,
  column: 0.8,
  comment: 0.7,
  'column comment': 0.65,
  label: 0.6,
  argument: 0.4,
  partition: 0.5,
  schema: 0.35,
};
const WEIGHT_AT = PLACES.map((place) => WEIGHTS[place]);
/** Another way to say it is nearly as good. */
const SYNONYM = 0.75;
/** One word of several that stand for one thing. */
const PART_OF_PHRASE = 0.4;
/** Hits of less than this share of the best are noise. */
const LEAST_OF_BEST = 0.4;
/** Digits of a score, so that it is the same number in a cursor. */
const PRECISION = 1000;
const NAME = PLACES.indexOf('name');

/** What was found of one part of the question: of each item the likest. */
interface PartMatches {
  readonly texts: ReadonlyMap<number, Match>;
  readonly scores: Float64Array;
  readonly text: Int32Array;
  /** As in PLACES. */
  readonly place: Uint8Array;
}

/** What is visible and like the question, in no order. */
export function searchCatalogue(
  index: CatalogueIndex,
  sight: CatalogueSight,
  question: readonly Asked[],
  scope: Scope,
): Hit[] {
  const parts = question.map((asked) => matchPart(index, sight, asked, scope));
  const whole = fold(question.flatMap(({ words }) => words).join(''));
  const hits: Hit[] = [];
  let best = 0;
  for (let at = 0; at < index.items.length; at++) {
    const item = index.items[at];
    if (item === undefined || parts.every(({ scores }) => scores[at] === 0)) continue;
    const score = scoreOf(parts, at, nameIs(index, item, whole));
    if (score === 0) continue;
    best = Math.max(best, score);
    hits.push({ item, score, reasons: () => reasonsOf(index, sight, { parts, item, at }) });
  }
  return hits.filter(({ score }) => score >= Math.min(best, 1) * LEAST_OF_BEST);
}

/** Best first; of equals the larger; then by name, so that the order is always the same. */
export function compareHits(a: Pick<Hit, 'item' | 'score'>, b: Pick<Hit, 'item' | 'score'>): number {
  return (
    b.score - a.score ||
    (b.item.rows ?? -1) - (a.item.rows ?? -1) ||
    compareText(a.item.schema, b.item.schema) ||
    compareText(a.item.name, b.item.name) ||
    a.item.oid - b.item.oid
  );
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function matchPart(index: CatalogueIndex, sight: CatalogueSight, asked: Asked, { kinds, schema }: Scope): PartMatches {
  const { items } = index;
  const texts = findTexts(index, asked);
  const scores = new Float64Array(items.length);
  const text = new Int32Array(items.length);
  const place = new Uint8Array(items.length);
  for (const [number, { likeness }] of texts) {
    for (const use of index.usesOf(number)) {
      const at = Math.floor(use / PLACES.length);
      const where = use % PLACES.length;
      const score = likeness * (WEIGHT_AT[where] ?? 0);
      const item = items[at];
      if (item === undefined || (scores[at] ?? 0) >= score || !kinds.has(item.kind)) continue;
      if (schema !== undefined && item.schema !== schema) continue;
      if (sight.isPartial && !isVisible(index, sight, { item, place: where, text: number })) continue;
      scores[at] = score;
      text[at] = number;
      place[at] = where;
    }
  }
  return { texts, scores, text, place };
}

function findTexts({ vocabulary }: CatalogueIndex, { words, synonyms }: Asked): ReadonlyMap<number, Match> {
  const found = new Map<number, Match>();
  const [first = '', ...more] = words;
  if (more.length === 0) vocabulary.find(first, 1, found);
  else {
    vocabulary.findAll(words, 1, found);
    for (const word of words) if (word.length > 2) vocabulary.find(word, PART_OF_PHRASE, found);
  }
  for (const phrase of synonyms) vocabulary.findAll(phrase, SYNONYM, found);
  return found;
}

/** A text in one place of an item. */
interface Use {
  readonly item: Item;
  /** As in PLACES. */
  readonly place: number;
  readonly text: number;
}

/** Whether the caller may see the text there. Asked for every place of every text that was found. */
function isVisible(index: CatalogueIndex, sight: CatalogueSight, use: Use): boolean {
  const { item } = use;
  if (!sight.item(item)) return false;
  const place = PLACES[use.place];
  if (place === 'column' || place === 'column comment') return columnOf(index, sight, use) !== undefined;
  if (place === 'comment') return sight.comment(item) !== null;
  if (place === 'argument') return sight.signature(item) !== null;
  if (place === 'label') return sight.labels(item).includes(index.text(use.text));
  if (place === 'partition') return sight.partitions(item).some(({ name }) => name === index.text(use.text));
  return true;
}

/** The first visible column that has the text as its name or comment. */
function columnOf(index: CatalogueIndex, sight: CatalogueSight, { item, place, text }: Use): Column | undefined {
  const isName = PLACES[place] === 'column';
  if (!isName && PLACES[place] !== 'column comment') return undefined;
  const value = index.text(text);
  for (const each of item.columns) {
    if ((isName ? each.name : each.comment?.shown) !== value || !sight.column(item, each)) continue;
    if (isName || sight.columnComment(item, each) !== null) return each;
  }
  return undefined;
}

/** The mean over the parts, less where some have nothing; more for a name that is the question, or says little else. */
function scoreOf(
  parts: readonly PartMatches[],
  at: number,
  name: { readonly isAsked: boolean; readonly words: number },
): number {
  let [sum, matched, named] = [0, 0, 0];
  for (const { scores, place } of parts) {
    const score = scores[at] ?? 0;
    if (score === 0) continue;
    sum += score;
    matched++;
    if (place[at] === NAME) named++;
  }
  if (matched === 0) return 0;
  const share = (sum / parts.length) * (0.5 + (0.5 * matched) / parts.length);
  const bonus = name.isAsked ? 0.5 : 0.15 * Math.min(1, named / name.words);
  return Math.round((share + bonus) * PRECISION) / PRECISION;
}

function nameIs(index: CatalogueIndex, { name }: Item, whole: string) {
  const { vocabulary } = index;
  const text = index.numberOf(name);
  if (text === undefined) return { isAsked: false, words: 1 };
  return { isAsked: vocabulary.isWhole(text, whole), words: vocabulary.countOf(text) };
}

function reasonsOf(
  index: CatalogueIndex,
  sight: CatalogueSight,
  { parts, item, at }: { readonly parts: readonly PartMatches[]; readonly item: Item; readonly at: number },
): Reason[] {
  return parts
    .filter(({ scores }) => (scores[at] ?? 0) > 0)
    .toSorted((a, b) => (b.scores[at] ?? 0) - (a.scores[at] ?? 0))
    .map(({ texts, text, place }) => {
      const use = { item, text: text[at] ?? 0, place: place[at] ?? 0 };
      const word = texts.get(use.text)?.word ?? '';
      return { place: PLACES[use.place] ?? 'name', word, column: columnOf(index, sight, use) };
    });
}
