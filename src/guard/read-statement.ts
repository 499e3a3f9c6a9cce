import type { ParseResult } from '../sqltext/statement-texts.ts';
import { collect, type Collected } from './collect-references.ts';
import { readExplainOptions } from './explain-options.ts';
import { DATA_MODIFYING } from './node-types.ts';
import type { References } from './references.ts';
import { verbOf } from './refused-nodes.ts';
import { refuse } from './rules.ts';
import { refuseArguments } from './bounded-calls.ts';
import { refuseSetting } from './shown-setting.ts';
import { isObject, nodeOf, textOf, type TreeNode } from './tree.ts';
import type { Refusal, StatementKind } from './verdict.ts';

/** A statement of a kind that is allowed, with every node known; its names are still to be judged. */
export interface ReadStatement {
  readonly kind: StatementKind;
  readonly analyzes: boolean;
  readonly references: References;
  readonly parameters: number;
  /** Where its semicolon stands, in bytes of UTF-8; undefined where it has none. */
  readonly end: number | undefined;
}

const NOTHING: References = {
  relations: [],
  functions: [],
  operators: [],
  types: [],
  attributes: [],
  ctes: new Set(),
};

export interface Reader {
  /** Of the server that will run it; without one it is taken for the newest. */
  readonly major?: number;
  /** Whether the sizes and settings in it are not looked at, since we wrote them. */
  readonly anyArguments?: boolean;
}

export function readStatement(tree: ParseResult, reader: Reader = {}): ReadStatement | Refusal {
  const [statement, ...more] = tree.stmts ?? [];
  if (more.length > 0) return refuse('statement/one', 'There is more than one statement in the text.');
  const root = nodeOf(statement?.stmt);
  if (statement === undefined || root === undefined)
    return refuse('statement/one', 'There is no statement in the text.');
  const read = readRoot(root, reader);
  const { stmt_location: start = 0, stmt_len: length } = statement;
  return 'rule' in read ? read : { ...read, end: length === undefined ? undefined : start + length };
}

/** Everything that a definition of the database names, such as that of a view. */
export function readReferences(tree: ParseResult): References | Refusal {
  const [statement, ...more] = tree.stmts ?? [];
  const root = nodeOf(statement?.stmt);
  if (root?.type !== 'SelectStmt' || more.length > 0) return refuse('statement/kind', 'A definition is one SELECT.');
  const collected = collect(root.type, root.fields);
  return 'rule' in collected ? collected : collected.references;
}

type Root = Omit<ReadStatement, 'end'>;

function readRoot({ type, fields }: TreeNode, reader: Reader): Root | Refusal {
  if (type === 'SelectStmt') return readQuery({ type, fields }, reader);
  if (type === 'ExplainStmt') return readExplain({ type, fields }, reader);
  if (type === 'VariableShowStmt') {
    const refusal = refuseSetting(textOf(fields['name']) ?? '', 'SHOW');
    return refusal ?? { kind: 'show', analyzes: false, references: NOTHING, parameters: 0 };
  }
  if (DATA_MODIFYING.has(type)) return refuse('statement/kind', `${verbOf(type)} changes data.`);
  return refuse('statement/kind', `A statement of the kind ${verbOf(type)} is not a query.`);
}

function readQuery({ type, fields }: TreeNode, { major, anyArguments = false }: Reader): Root | Refusal {
  const collected = collect(type, fields, major);
  if ('rule' in collected) return collected;
  const refusal = anyArguments ? undefined : refuseArguments(collected);
  return refusal ?? { kind: 'select', analyzes: false, ...namesIn(collected) };
}

function readExplain({ fields }: TreeNode, reader: Reader): Root | Refusal {
  const query = nodeOf(fields['query']);
  if (Object.keys(fields).some((field) => field !== 'query' && field !== 'options') || query === undefined) {
    return refuse('node/not-allowed', 'This form of EXPLAIN is not known.');
  }
  const options = readExplainOptions(fields['options']);
  if ('rule' in options) return options;
  if (query.type !== 'SelectStmt' && !DATA_MODIFYING.has(query.type)) {
    return refuse('statement/kind', `EXPLAIN of ${verbOf(query.type)} is not allowed.`, undefined, EXPLAINABLE);
  }
  if (options.analyze && query.type !== 'SelectStmt') {
    return refuse('statement/explain-analyze', `EXPLAIN ANALYZE would run the ${verbOf(query.type)}.`);
  }
  const read = readQuery(query, reader);
  return 'rule' in read ? read : { ...read, kind: 'explain', analyzes: options.analyze };
}

const EXPLAINABLE = 'Explain a SELECT, VALUES, TABLE or WITH; INSERT, UPDATE, DELETE and MERGE without ANALYZE.';

function namesIn({ references, parameters }: Collected): Pick<Root, 'references' | 'parameters'> {
  return { references, parameters };
}

/** Whether it is a refusal, of anything that may be one. */
export function isRefusal(value: unknown): value is Refusal {
  return isObject(value) && typeof value['rule'] === 'string' && typeof value['reason'] === 'string';
}
