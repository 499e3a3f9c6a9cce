import { z } from 'zod';
import type { Shown } from '../../calls/hidden-now.ts';
import { quoteIdentifier } from '../kit/index.ts';
import { compareHits, type Hit, type Reason } from './catalogue-search.ts';
import type { CatalogueSight } from './catalogue-sight.ts';
import { isRelation, KINDS, type Column, type Item } from './catalogue.ts';
import type { SearchPlace } from './search-cursor.ts';

export const searchRow = {
  kind: z.enum(KINDS),
  schema: z.string().meta({ names: 'schema' }),
  name: z.string().meta({ names: 'table' }),
  rows: z.int().min(0).nullable().describe('As of the last VACUUM or ANALYZE, like the size.'),
  size: z.int().min(0).nullable().meta({ unit: 'bytes' }).describe('With TOAST, indexes and partitions.'),
  comment: z.string().nullable().meta({ names: 'text' }),
  columns: z
    .array(z.string())
    .meta({ names: 'column', withhold: 'value' })
    .describe('That matched: quoted names, types and comments.'),
  detail: z.string().nullable().meta({ names: 'text' }).describe('Arguments of a function, labels of an enum.'),
  why: z.array(z.string()).meta({ names: 'text' }).describe('Where a word of the question, or one like it, stands.'),
};
export type SearchRow = z.output<z.ZodObject<typeof searchRow>>;

/** Bytes of the rows of one answer, as JSON: a model pays for each, and there is a next page. */
const PAGE_BYTES = 6_000;
const COMMENT_SHOWN = 120;
const COLUMN_COMMENT_SHOWN = 60;
const DETAIL_SHOWN = 160;
const MOST_COLUMNS = 5;
const MOST_REASONS = 4;

interface Page {
  readonly rows: SearchRow[];
  /** What the rows show. */
  readonly shown: readonly Shown[];
  /** Undefined on the last page. */
  readonly last: SearchPlace | undefined;
}

/** The best hits behind `after` that fit on a page; one at least. */
export function pageOfHits(
  hits: readonly Hit[],
  sight: CatalogueSight,
  { after, limit }: { readonly after: SearchPlace | undefined; readonly limit: number },
): Page {
  const best = bestHits(hits, after && hitAt(after), limit + 1);
  const rows: SearchRow[] = [];
  const shown: Shown[] = [];
  let bytes = 0;
  for (const hit of best.slice(0, limit)) {
    const { row, columns } = describe(hit, sight);
    bytes += Buffer.byteLength(JSON.stringify(row));
    if (rows.length > 0 && bytes > PAGE_BYTES) break;
    rows.push(row);
    shown.push({ oid: hit.item.oid, isRelation: isRelation(hit.item), columns: columns.map((column) => column.name) });
  }
  const last = best[rows.length - 1];
  return { rows, shown, last: rows.length < best.length && last ? placeOf(last) : undefined };
}

type Place = Pick<Hit, 'score' | 'item'>;

/** In their order. A sort of all would take longer than the search. */
function bestHits(hits: readonly Hit[], after: Place | undefined, count: number): Hit[] {
  const best: Hit[] = [];
  for (const hit of hits) {
    const worst = best[count - 1];
    if (worst && compareHits(hit, worst) >= 0) continue;
    if (after && compareHits(hit, after) <= 0) continue;
    let at = best.length;
    while (at > 0 && compareHits(hit, best[at - 1] as Hit) < 0) at--;
    best.splice(at, 0, hit);
    if (best.length > count) best.pop();
  }
  return best;
}

function placeOf({ score, item: { rows, schema, name, oid } }: Hit): SearchPlace {
  return [score, rows ?? -1, schema, name, oid];
}

/** A hit in the place of one that may be gone by now. */
function hitAt([score, rows, schema, name, oid]: SearchPlace): Place {
  const item = { oid, schema, name, rows: rows < 0 ? null : rows } as Item;
  return { score, item };
}

/** The row, and the columns that stand in it. */
function describe({ item, reasons: reasonsOf }: Hit, sight: CatalogueSight) {
  const reasons = reasonsOf();
  const { kind, schema, name, rows, size } = item;
  const columns = [...new Set(reasons.flatMap(({ column }) => column ?? []))].slice(0, MOST_COLUMNS);
  const row: SearchRow = {
    kind,
    schema,
    name,
    rows,
    size,
    comment: shorten(sight.comment(item)?.shown ?? null, COMMENT_SHOWN),
    columns: columns.map((column) => describeColumn(item, column, sight)),
    detail: shorten(detailOf(item, sight), DETAIL_SHOWN),
    why: [...new Set(reasons.map((reason) => explain(reason)))].slice(0, MOST_REASONS),
  };
  return { row, columns };
}

function describeColumn(item: Item, column: Column, sight: CatalogueSight): string {
  const comment = shorten(sight.columnComment(item, column)?.shown ?? null, COLUMN_COMMENT_SHOWN);
  return `${quoteIfNeeded(column.name)} ${column.type}${comment === null ? '' : ` -- ${comment}`}`;
}

function detailOf(item: Item, sight: CatalogueSight): string | null {
  if (item.kind === 'function') return sight.signature(item);
  if (item.kind === 'enum') return sight.labels(item).join(', ');
  return null;
}

function explain({ place, word }: Reason): string {
  return `${place}: ${word}`;
}

/** As quote_ident, but for key words. */
function quoteIfNeeded(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : quoteIdentifier(name);
}

function shorten(text: string | null, length: number): string | null {
  if (text === null || text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
