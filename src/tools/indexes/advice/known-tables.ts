import type { ReachedDatabase } from '../../../calls/context.ts';
import type { NotExamined } from '../../../contract/finding.ts';
import type { ConnectionFacts } from '../../../postgres/database.ts';
import type { StatementTexts } from '../../../sqltext/statement-texts.ts';
import { readParts, type RowOf } from '../../kit/index.ts';
import type { Lookup } from './read-statement.ts';
import { columns, extensions, keys, tables, views } from './table-parts.ts';
import type { AdvisedTable, ExistingIndex, TableWrites } from './tables.ts';
import { fieldsOf, findNodes, listOf, type Tree } from './tree.ts';

/** What the database knows of the relations that statements name. */
export interface KnownTables {
  readonly facts: ConnectionFacts;
  readonly all: readonly AdvisedTable[];
  /** Where a name without a schema is looked up, the first schema first; else where there is one of that name only. */
  lookup(path: readonly string[]): Lookup;
  /** Schema and version of an extension that the database has. */
  extension(name: 'hypopg' | 'pg_trgm'): { readonly schema: string; readonly version: string } | undefined;
  readonly unreadable: readonly NotExamined[];
}

/** Views may stand on views; so often their definitions are looked into. */
const VIEW_LEVELS = 5;
export const TABLE_PARTS = { tables, columns, keys, views, extensions };

/** Reads the tables that the trees name, and those behind their views. */
export async function readKnownTables(
  target: ReachedDatabase,
  trees: readonly unknown[],
  texts: StatementTexts,
): Promise<KnownTables> {
  const queries = new Map<string, Tree>();
  const names = new Set(trees.flatMap(relationNames));
  for (let level = 0; ; level++) {
    const read = await readParts(target, TABLE_PARTS, { names: [...names] });
    const before = names.size;
    for (const { schema, view, definition } of read.parts.views) {
      const key = JSON.stringify([schema, view]);
      const query = queries.get(key) ?? (await parseView(definition, texts));
      if (query === undefined) continue;
      queries.set(key, query);
      for (const name of relationNames(query)) names.add(name);
    }
    if (names.size === before || level === VIEW_LEVELS) return assemble(read, queries);
  }
}

function relationNames(tree: unknown): string[] {
  return findNodes(tree, RELATIONS).flatMap(({ fields }) =>
    typeof fields['relname'] === 'string' ? [fields['relname']] : [],
  );
}

/** What a statement writes to stands under `relation`, without the name of its type. */
const RELATIONS: ReadonlySet<string> = new Set(['RangeVar', 'relation']);

async function parseView(definition: string | null, texts: StatementTexts): Promise<Tree | undefined> {
  if (definition === null) return undefined;
  try {
    const tree = await texts.parse(definition);
    return fieldsOf((listOf(tree.stmts)[0] as Tree | undefined)?.['stmt'], 'SelectStmt');
  } catch {
    return undefined; // a text with a secret in it was scrubbed, or is longer than what is parsed
  }
}

type Read = Awaited<ReturnType<typeof readParts<typeof TABLE_PARTS>>>;

function assemble({ parts, facts, unreadable }: Read, queries: ReadonlyMap<string, Tree>): KnownTables {
  const all = parts.tables.map((row) => tableOf(row, parts, facts.inRecovery));
  const extensions = new Map(
    parts.extensions.map(({ extension, schema, version }) => [extension, { schema, version }]),
  );
  return {
    facts,
    all,
    unreadable,
    extension: (name) => extensions.get(name),
    lookup: (path) => {
      const find: Lookup = (schema, name) => {
        const own = all.filter((table) => table.name === name);
        const viewSchemas = parts.views.filter(({ view }) => view === name).map((view) => view.schema);
        const schemas = [...own.map((table) => table.schema), ...viewSchemas];
        const chosen =
          schema ?? path.find((each) => schemas.includes(each)) ?? (schemas.length === 1 ? schemas[0] : undefined);
        const table = own.find((each) => each.schema === chosen);
        if (table) return { kind: 'table', table };
        const query = chosen === undefined ? undefined : queries.get(JSON.stringify([chosen, name]));
        return query && { kind: 'view', query };
      };
      return find;
    },
  };
}

function tableOf(row: RowOf<typeof tables>, parts: Read['parts'], inRecovery: boolean): AdvisedTable {
  const isOwn = (each: { schema: string; table: string }) => each.schema === row.schema && each.table === row.table;
  const { inserted, updated, hot_updated: hotUpdated, deleted } = row;
  const writes: TableWrites | null = inRecovery ? null : { inserted, updated, hotUpdated, deleted };
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.table,
    kind: row.kind,
    rows: row.rows,
    size: row.size,
    writes,
    // an index on what is masked would tell of its values: how many there are, how long, and which plan they have
    columns: parts.columns
      .filter((each) => isOwn(each) && each.of !== null)
      .map(({ column, type, collates_c, width, distinct, null_fraction }) => ({
        name: column,
        type,
        collatesC: collates_c,
        width,
        distinct,
        nullFraction: null_fraction,
      })),
    indexes: indexesOf(parts.keys.filter(isOwn)),
  };
}

function indexesOf(rows: readonly RowOf<typeof keys>[]): ExistingIndex[] {
  return [...new Set(rows.map(({ index }) => index))].flatMap((name) => {
    const columns = rows.filter(({ index }) => index === name);
    const [first] = columns;
    if (first === undefined) return [];
    const { method, partial, unique, needed, size } = first;
    const own = columns.filter(({ included }) => !included);
    return [
      {
        name,
        method,
        isPartial: partial,
        isUnique: unique,
        isNeeded: needed,
        size,
        include: columns.filter(({ included }) => included).flatMap(({ column }) => column ?? []),
        keys: own.map(({ column, descending, nulls_first, plain }) => ({
          column: column ?? undefined,
          isDescending: descending,
          nullsFirst: nulls_first,
          isPlain: plain && column !== null,
        })),
      },
    ];
  });
}
