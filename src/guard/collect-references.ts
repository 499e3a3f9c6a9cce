import { calledName, qualified } from './called-name.ts';
import { countAlias, plainAttribute, readAlias, type Aliases } from './from-aliases.ts';
import { CALLED_BEFORE, DATA_MODIFYING, nodeType, type FieldKind } from './node-types.ts';
import type {
  AttributeReference,
  FunctionReference,
  OperatorReference,
  References,
  RelationReference,
  TypeReference,
} from './references.ts';
import { refuse } from './rules.ts';
import {
  isEmpty,
  isObject,
  listOf,
  locationOf,
  namesOf,
  nodeOf,
  stringOf,
  textOf,
  type Fields,
  type TreeNode,
} from './tree.ts';
import { refuseNode } from './refused-nodes.ts';
import type { Refusal } from './verdict.ts';

/** What one tree holds: what it names, and the nodes whose contents have rules of their own. */
export interface Collected {
  readonly references: References;
  /** Calls in the order of the text. */
  readonly calls: readonly Fields[];
  /** Types, wherever one is named. */
  readonly typeNames: readonly Fields[];
  /** Every `||`. */
  readonly joins: readonly Fields[];
  /** What XMLTABLE searches with. */
  readonly paths: readonly TreeNode[];
  /** The highest n of `$n`. */
  readonly parameters: number;
}

/** The names of CTEs in force. */
type Scope = ReadonlySet<string>;

interface Collector {
  readonly relations: RelationReference[];
  readonly functions: FunctionReference[];
  readonly operators: OperatorReference[];
  readonly types: TypeReference[];
  readonly attributes: AttributeReference[];
  readonly ctes: Set<string>;
  readonly calls: Fields[];
  readonly typeNames: Fields[];
  readonly joins: Fields[];
  readonly paths: TreeNode[];
  readonly aliases: Aliases;
  /** Calls whose value is a column of the answer or cast to text. */
  readonly alone: Set<Fields>;
  parameters: number;
}

/** Thrown and caught in this file only. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

const TABLESAMPLE_METHODS = new Set(['bernoulli', 'system', 'system_rows', 'system_time']);
const BETWEEN: Readonly<Record<string, readonly string[]>> = {
  AEXPR_BETWEEN: ['>=', '<='],
  AEXPR_NOT_BETWEEN: ['<', '>'],
  AEXPR_BETWEEN_SYM: ['>=', '<='],
  AEXPR_NOT_BETWEEN_SYM: ['<', '>'],
};

/**
 * Reads every node of the statement `type` with its `fields`; what is not known to be harmless is refused. `major` is
 * of the server that will read the text, whose grammar may be older.
 */
export function collect(type: string, fields: Fields, major = Infinity): Collected | Refusal {
  const collector: Collector = {
    relations: [],
    functions: [],
    operators: [],
    types: [],
    attributes: [],
    ctes: new Set(),
    calls: [],
    typeNames: [],
    joins: [],
    paths: [],
    aliases: new Map(),
    alone: new Set(),
    parameters: 0,
  };
  try {
    visit(collector, { type, fields, major, scope: new Set(), isRoot: true });
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
  const { relations, functions, operators, types, ctes, calls, typeNames, joins, paths, parameters } = collector;
  const attributes = collector.attributes.map((attribute) => plainAttribute(collector.aliases, attribute));
  const references = { relations, functions, operators, types, attributes, ctes };
  return { references, calls, typeNames, joins, paths, parameters };
}

interface Visit {
  readonly type: string;
  readonly fields: Fields;
  readonly major: number;
  readonly scope: Scope;
  readonly isRoot?: boolean;
  readonly sampled?: boolean;
  readonly form?: RelationReference['form'];
}

function visit(collector: Collector, visited: Visit): void {
  const { type, fields, major } = visited;
  const allowed = nodeType(type);
  const misplaced = DATA_MODIFYING.has(type) && visited.isRoot !== true;
  if (allowed === undefined || misplaced) throw new Refused(refuseNode(type, fields));
  READERS[type]?.(collector, visited);
  const older = CALLED_BEFORE[type];
  if (older !== undefined && major < older.since) {
    // `JSON_VALUE_OP` is a call of json_value
    const operation = textOf(fields['op'])?.toLowerCase().replace(/_op$/, '');
    for (const name of older.names.filter((each) => operation === undefined || each === operation)) {
      collector.functions.push({ schema: undefined, name, argumentCount: undefined, at: locationOf(fields) });
    }
  }
  const scope = isObject(fields['withClause']) ? enterWith(collector, visited, fields['withClause']) : visited.scope;
  const inner = { type, fields, major, scope };
  for (const field in fields) {
    const kind = allowed.fields.get(field);
    if (kind === undefined) throw refusedField(inner, field);
    if (field !== 'withClause') visitField(collector, inner, field, kind);
  }
}

type Parent = Pick<Visit, 'type' | 'fields' | 'major' | 'scope'>;

function refusedField({ type, fields }: Parent, field: string): Refused {
  return new Refused(refuseNode(`${type}.${field}`, fields));
}

function visitField(collector: Collector, parent: Parent, field: string, kind: FieldKind): void {
  const { major, scope } = parent;
  const value = parent.fields[field];
  switch (kind.kind) {
    case 'value':
      if (typeof value === 'object') throw refusedField(parent, field);
      return;
    case 'names':
      if (namesOf(value) === undefined) throw refusedField(parent, field);
      return;
    case 'struct': {
      if (!isObject(value)) throw refusedField(parent, field);
      const form = field === 'relation' ? 'target' : 'from';
      visit(collector, { type: kind.type, fields: value, major, scope, form });
      return;
    }
    case 'node':
      visitItem(collector, parent, field, value);
      return;
    case 'nodes':
      if (!Array.isArray(value)) throw refusedField(parent, field);
      for (const item of value as unknown[]) visitItem(collector, parent, field, item);
  }
}

/** An item of a list may be the empty node that stands for NULL. */
function visitItem(collector: Collector, parent: Parent, field: string, item: unknown): void {
  const node = nodeOf(item);
  if (node === undefined) {
    if (isEmpty(item)) return;
    throw refusedField(parent, field);
  }
  const { major, scope } = parent;
  const sampled = parent.type === 'RangeTableSample';
  const form = field === 'fromClause' && parent.type === 'SelectStmt' && isTableForm(parent.fields) ? 'table' : 'from';
  visit(collector, { type: node.type, fields: node.fields, major, scope, sampled, form });
}

/** `TABLE name` is read as `SELECT * FROM name` whose star stands nowhere. */
function isTableForm({ targetList }: Fields): boolean {
  const [target] = listOf(targetList);
  return target?.type === 'ResTarget' && target.fields['location'] === -1;
}

/** Reads the CTEs, each with what it can see, and gives the scope of the statement that they belong to. */
function enterWith(collector: Collector, { major, scope }: Visit, clause: Fields): Scope {
  const items = Array.isArray(clause['ctes']) ? (clause['ctes'] as unknown[]) : [];
  const ctes = listOf(items);
  const broken = ctes.length !== items.length || ctes.some(({ type }) => type !== 'CommonTableExpr');
  const unknown = Object.keys(clause).find((field) => !['ctes', 'recursive', 'location'].includes(field));
  if (broken || unknown !== undefined) throw new Refused(refuseNode('WithClause', clause));
  const names = ctes.map(({ fields }) => textOf(fields['ctename']) ?? '');
  const seen = new Set(scope);
  if (clause['recursive'] === true) for (const name of names) seen.add(name);
  for (const [i, { type, fields }] of ctes.entries()) {
    const name = names[i] ?? '';
    visit(collector, { type, fields, major, scope: seen });
    collector.ctes.add(name);
    countAlias(collector.aliases, name, 'other');
    seen.add(name);
  }
  return seen;
}

type Reader = (collector: Collector, visited: Visit) => void;

const READERS: Readonly<Record<string, Reader>> = {
  RangeVar: readRelation,
  RangeSubselect: readItem,
  RangeFunction: readItem,
  RangeTableFunc: (collector, visited) => {
    readItem(collector, visited);
    addPath(collector, visited.fields['rowexpr']);
  },
  RangeTableFuncCol: (collector, { fields }) => {
    addPath(collector, fields['colexpr']);
  },
  JsonTable: readItem,
  JoinExpr: (collector, visited) => {
    const { fields } = visited;
    readItem(collector, visited);
    if (isObject(fields['join_using_alias'])) {
      countAlias(collector.aliases, textOf(fields['join_using_alias']['aliasname']) ?? '', 'other');
    }
    if (fields['isNatural'] === true || fields['usingClause'] !== undefined) addOperator(collector, '=', fields);
  },
  RangeTableSample: (_, { fields }) => {
    const method = namesOf(fields['method']) ?? [];
    const name = method.at(-1) ?? '';
    const known = TABLESAMPLE_METHODS.has(name) && (method.length === 1 || method[0] === 'pg_catalog');
    if (!known) {
      const hint = 'Use BERNOULLI, SYSTEM, system_rows or system_time.';
      throw new Refused(
        refuse('function/unknown', `The sampling method ${method.join('.')} is not known.`, locationOf(fields), hint),
      );
    }
  },
  FuncCall: readCall,
  A_Expr: readOperator,
  CaseExpr: ({ operators }, { fields }) => {
    if (fields['arg'] !== undefined) operators.push({ schema: undefined, name: '=', arity: 2, at: locationOf(fields) });
  },
  SubLink: (collector, { fields }) => {
    const names = namesOf(fields['operName']) ?? [];
    const { schema, name } = qualified(names);
    if (names.length > 0) addOperator(collector, name, fields, schema);
    else if (fields['testexpr'] !== undefined) addOperator(collector, '=', fields);
  },
  SortBy: (collector, { fields }) => {
    const names = namesOf(fields['useOp']) ?? [];
    const { schema, name } = qualified(names);
    if (names.length > 0) addOperator(collector, name, fields, schema);
  },
  CTECycleClause: (collector, { fields }) => {
    for (const name of ['=', '<>']) addOperator(collector, name, fields);
  },
  SelectStmt: (collector, { fields, isRoot = false }) => {
    if (!isRoot || fields['op'] !== 'SETOP_NONE') return;
    for (const { fields: target } of listOf(fields['targetList'])) addAlone(collector, nodeOf(target['val']));
  },
  TypeCast: (collector, { fields }) => {
    if (isText(fields['typeName'])) addAlone(collector, nodeOf(fields['arg']));
  },
  TypeName: readType,
  ColumnRef: readColumn,
  A_Indirection: ({ attributes }, { fields }) => {
    for (const node of listOf(fields['indirection'])) {
      const name = stringOf(node);
      if (name !== undefined)
        attributes.push({ name, qualifier: undefined, onlyRow: false, at: indirectionAt(fields) });
    }
  },
  ParamRef: (collector, { fields }) => {
    if (typeof fields['number'] === 'number') collector.parameters = Math.max(collector.parameters, fields['number']);
  },
};

function addPath({ paths }: Collector, value: unknown): void {
  const path = nodeOf(value);
  if (path !== undefined) paths.push(path);
}

function addAlone({ alone }: Collector, node: TreeNode | undefined): void {
  if (node?.type === 'FuncCall') alone.add(node.fields);
}

function isText(type: unknown): boolean {
  if (!isObject(type) || type['arrayBounds'] !== undefined) return false;
  return ['text', 'pg_catalog.text', 'pg_catalog.varchar'].includes(namesOf(type['names'])?.join('.') ?? '');
}

function readRelation(collector: Collector, { fields, scope, sampled = false, form = 'from' }: Visit): void {
  const name = textOf(fields['relname']) ?? '';
  const schema = textOf(fields['schemaname']);
  const alias = isObject(fields['alias']) ? textOf(fields['alias']['aliasname']) : undefined;
  const isCte = schema === undefined && form !== 'target' && scope.has(name);
  countAlias(collector.aliases, alias ?? name, isCte ? 'other' : 'relations');
  if (isCte) return;
  const only = fields['inh'] !== true;
  collector.relations.push({ schema, name, only, alias, sampled, form, at: locationOf(fields) });
}

function readItem({ aliases }: Collector, { type, fields }: Visit): void {
  readAlias(aliases, { type, fields });
}

function readCall({ functions, calls, alone }: Collector, { fields, major }: Visit): void {
  const args = listOf(fields['args']);
  const fixed = fields['func_variadic'] !== true;
  const { schema, name } = calledName(fields, major); // copied one by one: spreading takes several times as long
  functions.push({
    schema,
    name,
    argumentCount: fixed ? args.length : undefined,
    isAlone: alone.has(fields),
    at: locationOf(fields),
  });
  calls.push(fields);
}

function readOperator(collector: Collector, { fields }: Visit): void {
  const between = BETWEEN[textOf(fields['kind']) ?? ''];
  for (const name of between ?? []) addOperator(collector, name, fields);
  if (between !== undefined) return;
  const { schema, name } = qualified(namesOf(fields['name']) ?? []);
  const arity = fields['lexpr'] === undefined ? 1 : 2;
  if (name === '||') collector.joins.push(fields);
  collector.operators.push({ schema, name, arity, at: locationOf(fields) });
}

function addOperator({ operators }: Collector, name: string, fields: Fields, schema?: string): void {
  operators.push({ schema, name, arity: 2, at: locationOf(fields) });
}

function readType({ types, typeNames }: Collector, { fields }: Visit): void {
  const names = namesOf(fields['names']) ?? [];
  if (names.length === 0) throw new Refused(refuseNode('TypeName', fields));
  const { schema, name } = qualified(names);
  types.push({ schema, name, at: locationOf(fields) });
  typeNames.push(fields);
}

function readColumn({ attributes }: Collector, { fields }: Visit): void {
  const parts = listOf(fields['fields']);
  const last = stringOf(parts.at(-1));
  if (parts.length < 2 || last === undefined) return;
  const qualifier = parts.length === 2 ? stringOf(parts[0]) : undefined;
  attributes.push({ name: last, qualifier, onlyRow: true, at: locationOf(fields) });
}

function indirectionAt(fields: Fields): number {
  const node = nodeOf(fields['arg']);
  return node === undefined ? -1 : locationOf(node.fields);
}
