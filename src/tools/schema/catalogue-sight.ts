import type { HiddenData } from '../../calls/hidden-data.ts';
import type { CatalogueIndex } from './catalogue-index.ts';
import { isRelation, type Column, type Comment, type Item, type Place } from './catalogue.ts';

/** What of a catalogue its caller may see. What is not to be seen finds nothing and counts nowhere. */
export interface CatalogueSight {
  item(item: Item): boolean;
  column(item: Item, column: Column): boolean;
  comment(item: Item): Comment | null;
  columnComment(item: Item, column: Column): Comment | null;
  signature(item: Item): string | null;
  labels(item: Item): readonly string[];
  partitions(item: Item): readonly Place[];
  /** Whether anything may be hidden. */
  readonly isPartial: boolean;
}

const ALL: CatalogueSight = {
  isPartial: false,
  item: () => true,
  column: () => true,
  comment: ({ comment }) => comment,
  columnComment: (_, { comment }) => comment,
  signature: ({ signature }) => signature,
  labels: ({ labels }) => labels,
  partitions: ({ partitions }) => partitions,
};

/** Of an item that has no hidden one. */
const EVERY_COLUMN: ReadonlySet<Column> = new Set();

/** Remembers what it has decided. */
export function createSight(
  hidden: HiddenData | undefined,
  { ofEnum }: Pick<CatalogueIndex, 'ofEnum'>,
): CatalogueSight {
  if (hidden === undefined) return ALL;
  const seen = new Map<Item, boolean>();
  const columnsSeen = new Map<Item, ReadonlySet<Column>>();
  const mayShow = (item: Item): boolean => {
    const { oid, schema, name } = item;
    if (hidden.schema(schema)) return false;
    // by its oid too: the catalogue may be older than the name
    return isRelation(item) ? !hidden.relation(schema, name) && !hidden.isRelation(oid) : !hidden.mentions(name);
  };
  const comment = (text: Comment | null) => (text === null || hidden.reveals(text.whole) ? null : text);
  const isMasked = ({ oid, schema, name }: Item, column: string) =>
    hidden.isMasked({ oid }, column) || hidden.isMasked({ schema, table: name }, column);
  const isHidden = ({ oid, schema, name }: Item, column: string) =>
    hidden.column({ oid }, column) || hidden.column({ schema, table: name }, column);
  // labels are what the values of its columns are
  const showsValues = (type: string | null) =>
    ofEnum.get(type ?? '')?.some(([item, { name }]) => !mayShow(item) || isMasked(item, name) || isHidden(item, name));
  const isColumnSeen = (item: Item, column: Column) => !isHidden(item, column.name) && !hidden.mentions(column.type);
  const columnsOf = (item: Item) => {
    const shown = item.columns.filter((column) => isColumnSeen(item, column));
    return shown.length === item.columns.length ? EVERY_COLUMN : new Set(shown);
  };
  return {
    isPartial: true,
    item(item) {
      const known = seen.get(item) ?? mayShow(item);
      seen.set(item, known);
      return known;
    },
    column(item, column) {
      const known = columnsSeen.get(item) ?? columnsOf(item);
      columnsSeen.set(item, known);
      return known === EVERY_COLUMN || known.has(column);
    },
    comment: (item) => comment(item.comment),
    columnComment: (item, column) =>
      column.comment === null || isMasked(item, column.name) ? null : comment(column.comment),
    signature: ({ signature }) => (signature === null || hidden.mentions(signature) ? null : signature),
    labels: ({ labels, signature }) =>
      labels.length === 0 || showsValues(signature) === true ? [] : labels.filter((label) => !hidden.reveals(label)),
    partitions: ({ partitions }) =>
      partitions.filter((each) => !hidden.relation(each.schema, each.name) && !hidden.isRelation(each.oid)),
  };
}
