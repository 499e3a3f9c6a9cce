import { keyOf, markUsed, type Scope } from './scope.ts';
import { conjunctsOf, fieldsOf, findNodes, listOf, literalOf, namesOf, nodeOf, type Tree } from './tree.ts';
import { resolveColumn, columnKey, SUBSELECTS } from './scope.ts';
import type { Condition, ConditionKind, Occurrence } from './use.ts';

/** Takes what a condition asks of a relation. */
type Sink = (occurrence: Occurrence, condition: Condition) => void;

/** Reads a sub-select and gives what its first column is. */
export type ReadSubselect = (select: unknown, scope: Scope) => { occurrence: Occurrence; column: string } | undefined;

interface Reading {
  readonly scope: Scope;
  readonly subselect: ReadSubselect;
  readonly sink: Sink;
}

/** Reads a condition of which all conjuncts hold; sub-selects in it are read by `subselect`. */
export function readConditions(condition: unknown, scope: Scope, subselect: ReadSubselect): void {
  markUsed(condition, scope);
  for (const each of conjunctsOf(condition)) readOne(each, { scope, subselect, sink: addTo });
}

function addTo(occurrence: Occurrence, condition: Condition): void {
  occurrence.conditions.push(condition);
}

function readOne(condition: unknown, reading: Reading): void {
  const node = nodeOf(condition);
  if (node === undefined) return;
  const { fields } = node;
  switch (node.type) {
    case 'A_Expr':
      readOperator(fields, reading);
      return;
    case 'BoolExpr':
      if (fields['boolop'] === 'OR_EXPR') readAlternatives(listOf(fields['args']), reading);
      else readNegation(listOf(fields['args'])[0], reading);
      return;
    case 'NullTest':
      readNullTest(fields, reading);
      return;
    case 'ColumnRef':
      readBoolean(condition, true, reading);
      return;
    case 'SubLink':
      readSubLink(fields, reading);
      return;
    default:
      readSubselectsIn(condition, reading);
  }
}

/** Each arm is a set of its own for each relation that it says something about. */
function readAlternatives(arms: readonly unknown[], { scope, subselect }: Reading): void {
  for (const arm of arms) {
    const sets = new Map<Occurrence, Condition[]>();
    const sink: Sink = (occurrence, each) => {
      const known = sets.get(occurrence);
      if (known) known.push(each);
      else sets.set(occurrence, [each]);
    };
    for (const each of conjunctsOf(arm)) readOne(each, { scope, subselect, sink });
    for (const [occurrence, set] of sets) occurrence.alternatives.push(set);
  }
}

function readNegation(negated: unknown, reading: Reading): void {
  if (nodeOf(negated)?.type === 'ColumnRef') readBoolean(negated, false, reading);
  else readSubselectsIn(negated, reading);
}

function readBoolean(expression: unknown, isTrue: boolean, { scope, sink }: Reading): void {
  const found = keyOf(expression, scope);
  if (found === undefined) return;
  const predicate = isTrue ? found.key.text : `NOT ${found.key.text}`;
  sink(found.occurrence, { key: found.key, kind: 'state', operator: predicate, with: 'constant', predicate });
}

function readNullTest({ arg, nulltesttype }: Tree, { scope, sink }: Reading): void {
  const found = keyOf(arg, scope);
  if (found === undefined) return;
  const operator = nulltesttype === 'IS_NULL' ? 'IS NULL' : 'IS NOT NULL';
  const predicate = `${found.key.text} ${operator}`;
  sink(found.occurrence, { key: found.key, kind: 'state', operator, with: 'constant', predicate });
}

/** EXISTS, and `x IN (SELECT y …)`, which joins x with y. */
function readSubLink({ subLinkType, testexpr, subselect, operName }: Tree, { scope, sink, ...reading }: Reading): void {
  const first = reading.subselect(subselect, scope);
  if (subLinkType !== 'ANY_SUBLINK' || (operName !== undefined && namesOf(operName)[0] !== '=')) return;
  const tested = keyOf(testexpr, scope);
  if (tested) sink(tested.occurrence, joined(tested.key));
  if (first) first.occurrence.conditions.push(joined(columnKey(first.column)));
}

function joined(key: Condition['key']): Condition {
  return { key, kind: 'equal', operator: '=', with: 'join' };
}

function readSubselectsIn(expression: unknown, { scope, subselect }: Reading): void {
  for (const { fields } of findNodes(expression, SUBLINK, SUBLINK_BODY)) subselect(fields['subselect'], scope);
}

const SUBLINK: ReadonlySet<string> = new Set(['SubLink']);
const SUBLINK_BODY: ReadonlySet<string> = new Set(['SelectStmt']);

function readOperator(fields: Tree, reading: Reading): void {
  const { lexpr, rexpr } = fields;
  readSubselectsIn([lexpr, rexpr], reading);
  const operator = namesOf(fields['name']).at(-1) ?? '';
  const kind = kindOf(String(fields['kind']), operator);
  if (kind === undefined) return;
  const [left, right] = [fieldsOf(lexpr, 'RowExpr'), fieldsOf(rexpr, 'RowExpr')];
  if (left && right) {
    readRows({ kind, operator }, [listOf(left['args']), listOf(right['args'])], reading);
    return;
  }
  compare({ kind, operator, flips: false }, [lexpr, rexpr], reading);
  // `5 < x` as `x > 5`; the operators of values with parts have an order of their own
  if (kind === 'equal' || kind === 'range') compare({ kind, operator, flips: true }, [rexpr, lexpr], reading);
}

interface Comparison {
  readonly kind: ConditionKind;
  readonly operator: string;
  readonly flips: boolean;
}

/** `(a, b) = (1, 2)` says two things; `(a, b) > (1, 2)`, by which pages are turned, one of a. */
function readRows(
  { kind, operator }: Pick<Comparison, 'kind' | 'operator'>,
  [left, right]: readonly [readonly unknown[], readonly unknown[]],
  reading: Reading,
): void {
  const count = kind === 'equal' ? left.length : 1;
  for (let i = 0; i < count; i++) compare({ kind, operator, flips: false }, [left[i], right[i]], reading);
}

function compare(
  { kind, operator, flips }: Comparison,
  [tested, value]: readonly [unknown, unknown],
  { scope, sink }: Reading,
): void {
  const found = keyOf(tested, scope);
  if (found === undefined) return;
  const others = findNodes(value, COLUMNS, SUBSELECTS).map(({ fields }) => resolveColumn(fields, scope));
  if (others.some((source) => source?.occurrence === found.occurrence)) return;
  const isJoin = others.length > 0;
  if (isJoin && kind !== 'equal' && kind !== 'range') return;
  const literal = literalOf(value);
  sink(found.occurrence, {
    key: found.key,
    kind,
    operator: flips ? (FLIPPED[operator] ?? operator) : operator,
    with: isJoin ? 'join' : 'constant',
    predicate: kind === 'equal' && literal !== undefined ? `${found.key.text} = ${literal}` : undefined,
    pattern: kind === 'pattern' ? literal : undefined,
  });
}

const COLUMNS: ReadonlySet<string> = new Set(['ColumnRef']);
const FLIPPED: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };
const RANGE: ReadonlySet<string> = new Set(['<', '>', '<=', '>=']);
const PATTERN: ReadonlySet<string> = new Set(['~', '~*', '%']);
const CONTAINS: ReadonlySet<string> = new Set(['@>', '<@', '?', '?|', '?&', '@@', '@?', '&&']);

/** Undefined of what no index helps with, such as `<>` and NOT IN. */
function kindOf(form: string, operator: string): ConditionKind | undefined {
  switch (form) {
    case 'AEXPR_OP':
      if (operator === '=') return 'equal';
      if (RANGE.has(operator)) return 'range';
      if (PATTERN.has(operator)) return 'pattern';
      return CONTAINS.has(operator) ? 'contains' : undefined;
    case 'AEXPR_IN':
    case 'AEXPR_OP_ANY':
      return operator === '=' ? 'equal' : undefined;
    case 'AEXPR_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
      return 'range';
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
      return operator.startsWith('!') ? undefined : 'pattern';
    default:
      return undefined;
  }
}
