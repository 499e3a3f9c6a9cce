import { PlatformError } from '../../../core/errors.ts';
import type { Candidate, CandidateKey, Predicate } from './candidate.ts';
import type { Lookup } from './read-statement.ts';
import { keyOf, type Scope } from './scope.ts';
import { columnOf, type AdvisedTable } from './tables.ts';
import { conjunctsOf, fieldsOf, listOf, literalOf, namesOf, nodeOf, type Tree } from './tree.ts';
import { createOccurrence } from './use.ts';

/** Operator classes of PostgreSQL's own that a B-tree may be made with. */
const OPERATOR_CLASSES: ReadonlySet<string> = new Set([
  'text_pattern_ops',
  'varchar_pattern_ops',
  'bpchar_pattern_ops',
]);

/**
 * Reads a CREATE INDEX as an index that could be: nothing of its text is ever sent, what is sent is written anew. Fails
 * with SQL_REJECTED for anything but a plain B-tree on columns and a few expressions, and with NOT_FOUND.
 */
export function readDefinition(tree: unknown, lookup: Lookup): Candidate {
  const stmts = listOf((tree as Tree)['stmts']);
  const fields = stmts.length === 1 ? fieldsOf((stmts[0] as Tree)['stmt'], 'IndexStmt') : undefined;
  if (fields === undefined) throw rejected('It is no single CREATE INDEX.');
  const unwanted = UNWANTED.find((key) => fields[key] !== undefined && fields[key] !== false);
  if (unwanted !== undefined) throw rejected(`Its ${unwanted} is more than a plan depends on.`);
  const method = fields['accessMethod'] ?? 'btree';
  if (method !== 'btree') throw rejected('Only B-trees can be tried: HypoPG has no others that plans would use alike.');
  const table = tableOf(fields['relation'] as Tree | undefined, lookup);
  const occurrence = createOccurrence(table);
  const outputs = table.columns.map(({ name: column }) => [column, { occurrence, column }] as const);
  const scope: Scope = { items: [{ alias: table.name, outputs, occurrence }], outer: undefined };
  return {
    table,
    method: 'btree',
    keys: listOf(fields['indexParams']).map((each) => readKey(fieldsOf(each, 'IndexElem') ?? {}, scope)),
    equalities: 0,
    include: listOf(fields['indexIncludingParams']).map((each) => columnName(fieldsOf(each, 'IndexElem') ?? {}, table)),
    predicate: fields['whereClause'] === undefined ? undefined : readPredicate(fields['whereClause'], scope),
    purpose: 'what was asked',
  };
}

const UNWANTED = ['unique', 'primary', 'isconstraint', 'tableSpace', 'options', 'excludeOpNames', 'nulls_not_distinct'];

function tableOf(relation: Tree | undefined, lookup: Lookup): AdvisedTable {
  const { schemaname, relname } = relation ?? {};
  const found = lookup(typeof schemaname === 'string' ? schemaname : undefined, String(relname));
  if (found?.kind === 'table') return found.table;
  const name = [schemaname, relname].filter((part) => typeof part === 'string').join('.');
  throw new PlatformError('NOT_FOUND', `There is no table ${JSON.stringify(name)} that an index could be on.`, {
    hint: 'Name a table with its schema: CREATE INDEX ON sales.orders (customer_id).',
  });
}

function readKey(element: Tree, scope: Scope): CandidateKey {
  if (element['collation'] !== undefined || element['opclassopts'] !== undefined)
    throw rejected('It names a collation, or options of an operator class.');
  const expression = element['expr'] ?? { ColumnRef: { fields: [{ String: { sval: element['name'] } }] } };
  const found = keyOf(expression, scope);
  if (found === undefined)
    throw rejected(
      element['expr'] === undefined
        ? 'It names a column that is not there.'
        : 'It has an expression other than those below.',
    );
  const isDescending = element['ordering'] === 'SORTBY_DESC';
  const nulls = element['nulls_ordering'];
  const operatorClass = namesOf(element['opclass']).at(-1);
  if (operatorClass !== undefined && !OPERATOR_CLASSES.has(operatorClass))
    throw rejected(`It has the operator class ${operatorClass}.`);
  return {
    ...found.key,
    isDescending,
    nullsFirst: nulls === 'SORTBY_NULLS_FIRST' || (nulls !== 'SORTBY_NULLS_LAST' && isDescending),
    operatorClass: operatorClass && `pg_catalog.${operatorClass}`,
  };
}

function columnName(element: Tree, table: AdvisedTable): string {
  const name = String(element['name']);
  if (columnOf(table, name) === undefined) throw rejected('It includes a column that is not there.');
  return name;
}

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<', '>', '<=', '>=', '<>']);

/** One condition or several joined by AND, each of a column and a constant. */
function readPredicate(condition: unknown, scope: Scope): Predicate {
  const parts = conjunctsOf(condition).map((each) => readTest(each, scope));
  const [first] = parts;
  if (first === undefined || parts.includes(undefined))
    throw rejected('Its condition is more than comparisons of columns with constants.');
  return {
    text: parts.map((part) => part?.text).join(' AND '),
    columns: parts.flatMap((part) => part?.column ?? []),
    share: null,
  };
}

function readTest(condition: unknown, scope: Scope): { readonly text: string; readonly column: string } | undefined {
  const node = nodeOf(condition);
  if (node === undefined) return undefined;
  const { type, fields } = node;
  const tested = type === 'ColumnRef' ? condition : type === 'NullTest' ? fields['arg'] : fields['lexpr'];
  const key = keyOf(tested, scope)?.key;
  const column = key?.columns[0];
  if (key === undefined || column === undefined) return undefined;
  if (type === 'ColumnRef') return { text: key.text, column };
  if (type === 'NullTest')
    return { text: `${key.text} ${fields['nulltesttype'] === 'IS_NULL' ? 'IS NULL' : 'IS NOT NULL'}`, column };
  const [operator = ''] = namesOf(fields['name']);
  const literal = literalOf(fields['rexpr']);
  if (fields['kind'] !== 'AEXPR_OP' || !COMPARISONS.has(operator) || literal === undefined) return undefined;
  return { text: `${key.text} ${operator} ${literal}`, column };
}

function rejected(reason: string): PlatformError {
  return new PlatformError('SQL_REJECTED', `That index cannot be tried. ${reason}`, {
    hint: "CREATE INDEX ON schema.table (columns, lower(column), document ->> 'key') INCLUDE (columns) WHERE column = constant.",
    details: { rule: 'index/definition' },
  });
}
