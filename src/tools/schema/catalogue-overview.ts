import { z } from 'zod';
import type { CatalogueIndex } from './catalogue-index.ts';
import { compareText, type Hit, type Scope } from './catalogue-search.ts';
import type { CatalogueSight } from './catalogue-sight.ts';
import type { Item, Kind } from './catalogue.ts';

export const schemaSummary = z.object({
  schema: z.string().meta({ names: 'schema' }),
  tables: z.int().min(0).describe('Foreign ones too.'),
  views: z.int().min(0),
  functions: z.int().min(0),
  enums: z.int().min(0),
});
type SchemaSummary = z.output<typeof schemaSummary>;

const COUNTED_AS: Readonly<Record<Kind, Exclude<keyof SchemaSummary, 'schema'>>> = {
  table: 'tables',
  partitioned_table: 'tables',
  foreign_table: 'tables',
  view: 'views',
  materialized_view: 'views',
  function: 'functions',
  enum: 'enums',
};

/** More schemas nobody reads; `list_schemas` has all. */
export const SCHEMAS_SHOWN = 20;

interface Overview {
  /** Relations, scored by what is in them and what refers to them, unless the scope names other kinds; in no order. */
  readonly hits: Hit[];
  /** Those with most in them. */
  readonly schemas: SchemaSummary[];
}

/** All that is visible, for who does not know yet what to ask for. */
export function overviewOf(index: CatalogueIndex, sight: CatalogueSight, { kinds, schema }: Scope): Overview {
  const isMeant = (item: Item) => (schema === undefined || item.schema === schema) && kinds.has(item.kind);
  const meant = [...index.items.entries()].filter(([, item]) => isMeant(item) && sight.item(item));
  const counts = new Map<string, SchemaSummary>();
  for (const [, item] of meant) {
    const known = counts.get(item.schema) ?? { schema: item.schema, tables: 0, views: 0, functions: 0, enums: 0 };
    counts.set(item.schema, known);
    known[COUNTED_AS[item.kind]]++;
  }
  const relations = meant.filter(([, { kind }]) => kind !== 'function' && kind !== 'enum');
  const shown = relations.length > 0 ? relations : meant;
  const hits = shown.map(([at, item]): Hit => ({ item, score: importance(index, sight, at), reasons: () => [] }));
  const size = (summary: SchemaSummary) => summary.tables + summary.views + summary.functions + summary.enums;
  return {
    hits,
    schemas: [...counts.values()]
      .toSorted((a, b) => size(b) - size(a) || compareText(a.schema, b.schema))
      .slice(0, SCHEMAS_SHOWN),
  };
}

/** Of its rows ten times as many count as much as half again as many tables that refer to it. */
function importance({ items, referrers }: CatalogueIndex, sight: CatalogueSight, at: number): number {
  const from = (referrers.get(at) ?? []).filter((each) => items[each] && sight.item(items[each]));
  const score = Math.log10(1 + (items[at]?.rows ?? 0)) + 1.5 * Math.log2(1 + from.length);
  return Math.round(score * 1000) / 1000;
}
