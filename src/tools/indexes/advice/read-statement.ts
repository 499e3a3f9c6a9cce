import { readConditions, type ReadSubselect } from './conditions.ts';
import { columnKey, keyOf, markUsed, resolveColumn, type Item, type Named, type Outputs, type Scope } from './scope.ts';
import { fieldsOf, findNodes, listOf, literalOf, namesOf, nodeOf, type Tree } from './tree.ts';
import { createOccurrence, type Key, type Occurrence, type OrderKey, type StatementUse } from './use.ts';

/** What a name means in the database; undefined of what it does not know, or the caller may not see. */
export type Lookup = (schema: string | undefined, name: string) => Named | undefined;

interface Cte {
  readonly query: unknown;
  readonly names: readonly string[];
  readonly environment: Environment;
}

interface Environment {
  readonly outer: Scope | undefined;
  readonly ctes: ReadonlyMap<string, Cte>;
  readonly depth: number;
}

/** So many sub-selects, CTEs and views within each other are read, and so many reads of tables in all. */
const MAX_DEPTH = 20;
const MAX_OCCURRENCES = 200;

/** Reads what a statement asks of tables: a SELECT, or one that writes. `tree` is what libpg-query gives. */
export function readStatement(tree: unknown, lookup: Lookup): StatementUse {
  const reader = createReader(lookup);
  const [only] = listOf((tree as Tree)['stmts']);
  reader.statement((only as Tree | undefined)?.['stmt']);
  return { occurrences: reader.occurrences, written: reader.written };
}

function createReader(lookup: Lookup) {
  const occurrences: Occurrence[] = [];
  const written = new Map<string, Set<string>>();
  const top: Environment = { outer: undefined, ctes: new Map(), depth: 0 };

  function statement(stmt: unknown, environment = top): void {
    const node = nodeOf(stmt);
    if (node?.type === 'ExplainStmt') statement(node.fields['query'], environment);
    if (node?.type === 'SelectStmt') select(node.fields, environment);
    if (node?.type === 'InsertStmt') statement(node.fields['selectStmt'], within(environment, node.fields));
    if (node?.type === 'UpdateStmt' || node?.type === 'DeleteStmt') write(node.fields, environment);
    if (node?.type === 'MergeStmt') merge(node.fields, environment);
  }

  function write(fields: Tree, environment: Environment): void {
    const inside = within(environment, fields);
    const scope: Scope = { items: [], outer: inside.outer };
    from({ RangeVar: fields['relation'] }, scope, inside);
    const target = scope.items[0]?.occurrence;
    for (const item of [...listOf(fields['fromClause']), ...listOf(fields['usingClause'])]) from(item, scope, inside);
    if (target) {
      target.whole = true;
      const columns = listOf(fields['targetList']).flatMap((each) => fieldsOf(each, 'ResTarget')?.['name'] ?? []);
      written.set(target.table.oid, new Set(columns.map(String)));
    }
    readConditions(fields['whereClause'], scope, reads(inside));
  }

  function merge(fields: Tree, environment: Environment): void {
    const inside = within(environment, fields);
    const scope: Scope = { items: [], outer: inside.outer };
    from({ RangeVar: fields['relation'] }, scope, inside);
    from(fields['sourceRelation'], scope, inside);
    const target = scope.items[0]?.occurrence;
    if (target) target.whole = true;
    readConditions(fields['joinCondition'], scope, reads(inside));
  }

  function select(fields: Tree, environment: Environment): Outputs {
    if (environment.depth > MAX_DEPTH) return [];
    const inside = within(environment, fields);
    if (fields['larg'] !== undefined) {
      const first = select(fields['larg'] as Tree, inside);
      select(fields['rarg'] as Tree, inside);
      return first;
    }
    const scope: Scope = { items: [], outer: inside.outer };
    for (const item of listOf(fields['fromClause'])) from(item, scope, inside);
    readConditions(fields['whereClause'], scope, reads(inside));
    const parts = [
      fields['targetList'],
      fields['groupClause'],
      fields['havingClause'],
      fields['sortClause'],
      fields['distinctClause'],
      fields['windowClause'],
    ];
    for (const part of parts) {
      markUsed(part, scope);
      for (const { fields: link } of findNodes(part, SUBLINK, SELECT)) reads(inside)(link['subselect'], scope);
    }
    const targets = listOf(fields['targetList']).map((each) => fieldsOf(each, 'ResTarget') ?? {});
    readGroups(fields, { scope, targets });
    readOrder(fields, { scope, targets });
    return outputsOf(targets, scope);
  }

  /** Sub-selects of expressions, which see the names around them. */
  function reads({ ctes, depth }: Environment): ReadSubselect {
    return (query, outer) => {
      const fields = fieldsOf(query, 'SelectStmt');
      return fields && select(fields, { outer, ctes, depth: depth + 1 })[0]?.[1];
    };
  }

  function from(item: unknown, scope: Scope, environment: Environment): void {
    const node = nodeOf(item);
    if (node === undefined) return;
    const { fields } = node;
    if (node.type === 'JoinExpr') join(fields, scope, environment);
    else if (node.type === 'RangeVar') scope.items.push(relation(fields, environment));
    else if (node.type === 'RangeSubselect') {
      const query = fieldsOf(fields['subquery'], 'SelectStmt');
      const outputs = query ? select(query, { ...environment, outer: scope, depth: environment.depth + 1 }) : [];
      scope.items.push(renamed(fields['alias'], '', { outputs, occurrence: undefined }));
    } else if (node.type === 'RangeTableSample') from(fields['relation'], scope, environment);
    else scope.items.push(renamed(fields['alias'], '', { outputs: [], occurrence: undefined }));
  }

  function join(fields: Tree, scope: Scope, environment: Environment): void {
    const start = scope.items.length;
    from(fields['larg'], scope, environment);
    const middle = scope.items.length;
    from(fields['rarg'], scope, environment);
    const [left, right] = [scope.items.slice(start, middle), scope.items.slice(middle)];
    const shared = fields['isNatural'] === true ? commonNames(left, right) : namesOf(fields['usingClause']);
    for (const name of shared) {
      for (const side of [left, right]) {
        const source = side.flatMap(({ outputs }) => outputs).find(([each]) => each === name)?.[1];
        if (source === undefined) continue;
        source.occurrence.used.add(name);
        source.occurrence.conditions.push({
          key: columnKey(source.column),
          kind: 'equal',
          operator: '=',
          with: 'join',
        });
      }
    }
    readConditions(fields['quals'], scope, reads(environment));
  }

  function relation(fields: Tree, { ctes, depth }: Environment): Item {
    const [schema, name] = [fields['schemaname'], String(fields['relname'])];
    const cte = schema === undefined ? ctes.get(name) : undefined;
    if (cte) {
      const query = fieldsOf(cte.query, 'SelectStmt');
      const outputs = query ? select(query, { ...cte.environment, depth: depth + 1 }) : [];
      return renamed(fields['alias'], name, { outputs: named(outputs, cte.names), occurrence: undefined });
    }
    const found = lookup(typeof schema === 'string' ? schema : undefined, name);
    if (found?.kind === 'view') {
      const outputs = select(found.query, { ...top, depth: depth + 1 });
      return renamed(fields['alias'], name, { outputs, occurrence: undefined });
    }
    if (found === undefined || occurrences.length >= MAX_OCCURRENCES) {
      return renamed(fields['alias'], name, { outputs: [], occurrence: undefined });
    }
    const occurrence = createOccurrence(found.table);
    occurrences.push(occurrence);
    const outputs = found.table.columns.map(({ name: column }) => [column, { occurrence, column }] as const);
    return renamed(fields['alias'], name, { outputs, occurrence });
  }

  return { statement, occurrences, written };
}

/** With the CTEs of a WITH clause; one that refers to itself is not known within itself. */
function within(environment: Environment, fields: Tree): Environment {
  const list = listOf((fields['withClause'] as Tree | undefined)?.['ctes']);
  if (list.length === 0) return environment;
  const ctes = new Map(environment.ctes);
  for (const each of list) {
    const { ctename, ctequery, aliascolnames } = fieldsOf(each, 'CommonTableExpr') ?? {};
    const before = new Map(ctes);
    before.delete(String(ctename));
    ctes.set(String(ctename), {
      query: ctequery,
      names: namesOf(aliascolnames),
      environment: { ...environment, ctes: before },
    });
  }
  return { ...environment, ctes };
}

function renamed(alias: unknown, name: string, item: Pick<Item, 'outputs' | 'occurrence'>): Item {
  const { aliasname, colnames } = (alias ?? {}) as Tree;
  return {
    alias: typeof aliasname === 'string' ? aliasname : name,
    outputs: named(item.outputs, namesOf(colnames)),
    occurrence: item.occurrence,
  };
}

function named(outputs: Outputs, names: readonly string[]): Outputs {
  return outputs.map(([name, source], i) => [names[i] ?? name, source] as const);
}

function commonNames(left: readonly Item[], right: readonly Item[]): string[] {
  const [names, others] = [left, right].map((items) => items.flatMap(({ outputs }) => outputs.map(([name]) => name)));
  return [...new Set(names)].filter((name) => others?.includes(name));
}

function outputsOf(targets: readonly Tree[], scope: Scope): Outputs {
  return targets.flatMap(({ name, val }) => {
    const column = fieldsOf(val, 'ColumnRef');
    const parts = listOf(column?.['fields']);
    if (column && nodeOf(parts.at(-1))?.type === 'A_Star') {
      const [alias] = namesOf(parts).slice(-1);
      return scope.items
        .filter((item) => alias === undefined || item.alias === alias)
        .flatMap(({ outputs }) => outputs);
    }
    const own = typeof name === 'string' ? name : (namesOf(parts).at(-1) ?? '?');
    return [[own, column && resolveColumn(column, scope)] as const];
  });
}

interface Block {
  readonly scope: Scope;
  readonly targets: readonly Tree[];
}

/** GROUP BY and DISTINCT, where all of it is of one table; and min() and max(), which the end of an order answers. */
function readGroups(fields: Tree, { scope, targets }: Block): void {
  const distinct = listOf(fields['distinctClause']).length > 0 ? targets.map(({ val }) => val) : [];
  const grouped = [...listOf(fields['groupClause']).map((each) => meant(each, targets)), ...distinct];
  addGroup(grouped.map((each) => keyOf(each, scope)));
  if (grouped.length > 0) return;
  for (const { val } of targets) {
    const call = fieldsOf(val, 'FuncCall');
    const name = namesOf(call?.['funcname']).at(-1);
    const found = name === 'min' || name === 'max' ? keyOf(listOf(call?.['args'])[0], scope) : undefined;
    found?.occurrence.orders.push({ keys: [{ key: found.key, isDescending: false, nullsFirst: false }], limit: true });
  }
}

function addGroup(found: readonly ({ occurrence: Occurrence; key: Key } | undefined)[]): void {
  const [first] = found;
  if (first === undefined) return;
  const keys = found.flatMap((each) => (each?.occurrence === first.occurrence ? each.key : []));
  if (keys.length === found.length) first.occurrence.groups.push(keys);
}

/** ORDER BY, as far as it is of one table. */
function readOrder(fields: Tree, { scope, targets }: Block): void {
  const keys: OrderKey[] = [];
  let occurrence: Occurrence | undefined;
  for (const each of listOf(fields['sortClause'])) {
    const { node, sortby_dir, sortby_nulls } = fieldsOf(each, 'SortBy') ?? {};
    const found = keyOf(meant(node, targets), scope);
    if (found === undefined || (occurrence !== undefined && found.occurrence !== occurrence)) return;
    occurrence = found.occurrence;
    const isDescending = sortby_dir === 'SORTBY_DESC';
    const nullsFirst = sortby_nulls === 'SORTBY_NULLS_DEFAULT' ? isDescending : sortby_nulls === 'SORTBY_NULLS_FIRST';
    keys.push({ key: found.key, isDescending, nullsFirst });
  }
  occurrence?.orders.push({ keys, limit: fields['limitCount'] !== undefined });
}

/** `ORDER BY 2` and `ORDER BY alias` mean an output. */
function meant(expression: unknown, targets: readonly Tree[]): unknown {
  const literal = literalOf(expression);
  if (literal !== undefined) return targets[Number(literal) - 1]?.['val'];
  const names = namesOf(fieldsOf(expression, 'ColumnRef')?.['fields']);
  const output = names.length === 1 ? targets.find(({ name }) => name === names[0]) : undefined;
  return output?.['val'] ?? expression;
}

const SUBLINK: ReadonlySet<string> = new Set(['SubLink']);
const SELECT: ReadonlySet<string> = new Set(['SelectStmt']);
