import { quoteIdentifier } from '../../kit/index.ts';
import type { AdvisedTable } from './tables.ts';
import { fieldsOf, findNodes, listOf, literalOf, namesOf, nodeOf, type Tree } from './tree.ts';
import type { Key, Occurrence } from './use.ts';

/** A column of a table, wherever in the statement it has come through. */
export interface Source {
  readonly occurrence: Occurrence;
  readonly column: string;
}

/** Names and where they come from; undefined of what is computed. In the order of the output. */
export type Outputs = readonly (readonly [name: string, source: Source | undefined])[];

/** What a FROM item is called, and its columns. */
export interface Item {
  readonly alias: string;
  readonly outputs: Outputs;
  /** Of a table that is read here. */
  readonly occurrence: Occurrence | undefined;
}

/** The names that an expression may use. */
export interface Scope {
  readonly items: Item[];
  readonly outer: Scope | undefined;
}

/** What the database has under a name: a table, or a view with its query. */
export type Named =
  | { readonly kind: 'table'; readonly table: AdvisedTable }
  | { readonly kind: 'view'; readonly query: Tree };

/** Where a column reference leads, in this scope or in one around it. */
export function resolveColumn(fields: Tree, scope: Scope): Source | undefined {
  const names = namesOf(fields['fields']);
  const column = names.at(-1);
  const alias = names.length > 1 ? names.at(-2) : undefined;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    for (const item of at.items) {
      if (alias !== undefined && item.alias !== alias) continue;
      const output = item.outputs.find(([name]) => name === column);
      if (output) return output[1];
    }
  }
  return undefined;
}

/** Marks what an expression needs of the tables, sub-selects apart. */
export function markUsed(expression: unknown, scope: Scope): void {
  for (const { fields } of findNodes(expression, COLUMNS, SUBSELECTS)) {
    const source = resolveColumn(fields, scope);
    if (source) source.occurrence.used.add(source.column);
    else markWhole(fields, scope);
  }
}

/** `*`, `t.*`, and a row as a value. */
function markWhole(fields: Tree, scope: Scope): void {
  const names = namesOf(fields['fields']);
  const isStar = listOf(fields['fields']).some((each) => nodeOf(each)?.type === 'A_Star');
  const alias = names.at(-1);
  for (const item of scope.items) {
    if (alias === undefined ? !isStar : item.alias !== alias) continue;
    if (item.occurrence) item.occurrence.whole = true;
    for (const [, source] of item.outputs) source?.occurrence.used.add(source.column);
  }
}

export const SUBSELECTS: ReadonlySet<string> = new Set(['SelectStmt', 'SubLink']);
const COLUMNS: ReadonlySet<string> = new Set(['ColumnRef']);

/** Where an expression leads that an index could have as its key. */
export function keyOf(expression: unknown, scope: Scope): { occurrence: Occurrence; key: Key } | undefined {
  const column = fieldsOf(expression, 'ColumnRef');
  if (column !== undefined) {
    const source = resolveColumn(column, scope);
    if (source === undefined) return undefined;
    return { occurrence: source.occurrence, key: columnKey(source.column) };
  }
  const text = expressionText(expression, scope);
  const sources = findNodes(expression, COLUMNS).flatMap(({ fields }) => resolveColumn(fields, scope) ?? []);
  const [first, ...others] = sources;
  if (text === undefined || first === undefined || others.some(({ occurrence }) => occurrence !== first.occurrence)) {
    return undefined;
  }
  return {
    occurrence: first.occurrence,
    key: { text, columns: [...new Set(sources.map(({ column }) => column))], isExpression: true },
  };
}

export function columnKey(column: string): Key {
  return { text: quoteIdentifier(column), columns: [column], isExpression: false };
}

/** Functions of text that are immutable, whatever the settings: an index may have them. */
const TEXT_FUNCTIONS: ReadonlySet<string> = new Set([
  'lower',
  'upper',
  'btrim',
  'md5',
  'length',
  'reverse',
  'left',
  'right',
]);

/** An expression that may be the key of an index, as CREATE INDEX writes it; undefined of any other. */
function expressionText(expression: unknown, scope: Scope): string | undefined {
  const node = nodeOf(expression);
  if (node === undefined) return undefined;
  if (node.type === 'FuncCall') return functionText(node.fields, scope);
  if (node.type === 'A_Expr') return extractionText(node.fields, scope);
  return undefined;
}

function functionText({ funcname, args, agg_star, agg_distinct }: Tree, scope: Scope): string | undefined {
  const names = namesOf(funcname);
  const name = names.at(-1) ?? '';
  const isBuiltIn = names.length === 1 || names[0] === 'pg_catalog';
  const list = listOf(args);
  if (!isBuiltIn || agg_star === true || agg_distinct === true || list.length === 0) return undefined;
  if (TEXT_FUNCTIONS.has(name)) {
    const rest = list.slice(1).map(literalOf);
    const column = columnText(list[0], 'text', scope);
    return column === undefined || rest.includes(undefined)
      ? undefined
      : `pg_catalog.${name}(${[column, ...rest].join(', ')})`;
  }
  return list.length === 2 ? secondArgument(name, list, scope) : undefined;
}

/** Functions of a constant and a column. */
function secondArgument(name: string, [first, second]: readonly unknown[], scope: Scope): string | undefined {
  const literal = literalOf(first);
  if (literal === undefined) return undefined;
  if (name === 'date_trunc') {
    // a time with a time zone would depend on the setting TimeZone
    const column = columnText(second, 'timestamp', scope);
    return column && `pg_catalog.date_trunc(${literal}, ${column})`;
  }
  if (name !== 'to_tsvector') return undefined;
  const column = columnText(second, 'text', scope);
  return column && `pg_catalog.to_tsvector(${literal}::pg_catalog.regconfig, ${column})`;
}

/** `document ->> 'key'`. */
function extractionText({ name, lexpr, rexpr, kind }: Tree, scope: Scope): string | undefined {
  if (kind !== 'AEXPR_OP' || namesOf(name)[0] !== '->>') return undefined;
  const column = columnText(lexpr, 'jsonb', scope);
  const key = literalOf(rexpr);
  return column === undefined || key === undefined ? undefined : `(${column} ->> ${key})`;
}

/** A plain column of that type, in quotes; undefined of anything else. */
function columnText(expression: unknown, wanted: string, scope: Scope): string | undefined {
  const column = fieldsOf(expression, 'ColumnRef');
  const source = column && resolveColumn(column, scope);
  const type = source?.occurrence.table.columns.find(({ name }) => name === source.column)?.type;
  const isWanted = type === wanted || (wanted === 'text' && (type === 'varchar' || type === 'bpchar'));
  return source && isWanted ? quoteIdentifier(source.column) : undefined;
}
