import { isRecord } from '../../../core/record.ts';
import { quoteLiteral } from '../../kit/index.ts';

/** A parse tree, or a part of one, as libpg-query has it. */
export type Tree = Readonly<Record<string, unknown>>;

export interface TreeNode {
  /** Such as `ColumnRef`. */
  readonly type: string;
  readonly fields: Tree;
}

/** `{ "ColumnRef": { … } }` taken apart; undefined of anything else. */
export function nodeOf(value: unknown): TreeNode | undefined {
  if (!isRecord(value)) return undefined;
  const [type, ...others] = Object.keys(value);
  if (type === undefined || others.length > 0) return undefined;
  const fields = value[type];
  return isRecord(fields) ? { type, fields } : undefined;
}

/** The fields of a node of this type. */
export function fieldsOf(value: unknown, type: string): Tree | undefined {
  const node = nodeOf(value);
  return node?.type === type ? node.fields : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The strings of a list of String nodes, such as a name with its schema. */
export function namesOf(value: unknown): string[] {
  return listOf(value).flatMap((each) => {
    const text = fieldsOf(each, 'String')?.['sval'];
    return typeof text === 'string' ? [text] : [];
  });
}

/** Nodes of these types anywhere below, without those below a node that `stop` names. */
export function findNodes(
  value: unknown,
  types: ReadonlySet<string>,
  stop: ReadonlySet<string> = new Set(),
): TreeNode[] {
  if (Array.isArray(value)) return value.flatMap((each) => findNodes(each, types, stop));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([type, child]) => {
    if (stop.has(type)) return [];
    const own = types.has(type) && isRecord(child) ? [{ type, fields: child }] : [];
    return [...own, ...findNodes(child, types, stop)];
  });
}

/** The conjuncts of a condition. */
export function conjunctsOf(condition: unknown): unknown[] {
  const bool = fieldsOf(condition, 'BoolExpr');
  if (bool?.['boolop'] !== 'AND_EXPR') return condition === undefined || condition === null ? [] : [condition];
  return listOf(bool['args']).flatMap(conjunctsOf);
}

/** A constant as SQL writes it; undefined of anything else. */
export function literalOf(value: unknown): string | undefined {
  const constant = fieldsOf(value, 'A_Const');
  if (constant === undefined) return undefined;
  const { ival, fval, boolval, sval } = constant;
  if (isRecord(ival)) return String(typeof ival['ival'] === 'number' ? ival['ival'] : 0);
  if (isRecord(fval) && typeof fval['fval'] === 'string') return fval['fval'];
  if (isRecord(boolval)) return boolval['boolval'] === true ? 'true' : 'false';
  return isRecord(sval) ? quoteLiteral(typeof sval['sval'] === 'string' ? sval['sval'] : '') : undefined;
}
