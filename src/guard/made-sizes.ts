import { isObject, listOf, literalOf, namesOf, nodeOf, type Fields, type TreeNode } from './tree.ts';

/** Calls whose result is as long as an argument says, by the position of that argument. */
const SIZES: Readonly<Record<string, number>> = { repeat: 1, lpad: 1, rpad: 1, array_fill: 1 };
/** The same of calls that have a size only where they have more arguments than one. */
const CAST_SIZES: Readonly<Record<string, number>> = { bpchar: 1, bit: 1, polygon: 0 };
/** Calls that multiply the lengths of their arguments. */
const MULTIPLYING: ReadonlySet<string> = new Set([
  'repeat',
  'array_fill',
  'replace',
  'regexp_replace',
  'array_to_string',
]);
/** How many times longer than its arguments the result of a call can be. */
const GROWING: Readonly<Record<string, number>> = {
  encode: 4,
  quote_ident: 2,
  quote_literal: 2,
  quote_nullable: 2,
  to_json: 6,
  to_jsonb: 6,
};
/** Calls that put their arguments together. */
const JOINING = new Set([
  'array_append',
  'array_cat',
  'array_prepend',
  'byteacat',
  'concat',
  'concat_ws',
  'format',
  'textcat',
]);

/** Calls whose size is asked for, whatever stands in them. */
export const SIZED: readonly string[] = Object.keys(SIZES);

export function nameOf(call: Fields): string {
  return namesOf(call['funcname'])?.at(-1) ?? '';
}

/** The position of the argument that says how large the result is; undefined for a call that has none. */
export function sizePosition(call: Fields): number | undefined {
  const name = nameOf(call);
  if (Object.hasOwn(SIZES, name)) return SIZES[name];
  return Object.hasOwn(CAST_SIZES, name) && listOf(call['args']).length > 1 ? CAST_SIZES[name] : undefined;
}

/** What the size in the text is; undefined where it is none, or not written as a number. */
export function sizeOfCall(call: Fields): number | undefined {
  const node = listOf(call['args'])[sizePosition(call) ?? 0];
  return nameOf(call) === 'array_fill' ? productOfArray(node) : sizeOf(node);
}

export function isMultiplying(call: Fields): boolean {
  return MULTIPLYING.has(nameOf(call));
}

/** Whether the result can be longer than each of the arguments. */
export function isGrowing(call: Fields): boolean {
  const name = nameOf(call);
  return sizePosition(call) !== undefined || MULTIPLYING.has(name) || Object.hasOwn(GROWING, name) || JOINING.has(name);
}

function sizeOf(node: TreeNode | undefined): number | undefined {
  if (node?.type === 'MinMaxExpr' && node.fields['op'] === 'IS_LEAST') {
    const bounds = listOf(node.fields['args']).flatMap((item) => sizeOf(item) ?? []);
    return bounds.length === 0 ? undefined : Math.min(...bounds);
  }
  if (isIntegerCast(node)) return sizeOf(nodeOf(node?.fields['arg']));
  const literal = literalOf(node);
  return typeof literal === 'number' ? literal : undefined;
}

function isIntegerCast(node: TreeNode | undefined): boolean {
  const type = node?.fields['typeName'];
  if (node?.type !== 'TypeCast' || !isObject(type) || type['arrayBounds'] !== undefined) return false;
  return ['pg_catalog.int4', 'pg_catalog.int8', 'pg_catalog.int2'].includes(namesOf(type['names'])?.join('.') ?? '');
}

function productOfArray(node: TreeNode | undefined): number | undefined {
  const array = node?.type === 'TypeCast' ? nodeOf(node.fields['arg']) : node;
  if (array?.type !== 'A_ArrayExpr') return undefined;
  const sizes = listOf(array.fields['elements']).map(sizeOf);
  return sizes.reduce<number | undefined>(
    (all, size) => (all === undefined || size === undefined ? undefined : all * Math.max(size, 1)),
    1,
  );
}

/** How long results may be, by their nodes; what is nested is looked at once. */
export interface MadeSizes {
  of(node: TreeNode): number;
}

/** By the sizes and literals that a value is made of: those of nested calls multiply, and those of what is joined add up. */
export function createMadeSizes(): MadeSizes {
  const known = new WeakMap<Fields, number>();
  const sizes: MadeSizes = {
    of(node) {
      const found = known.get(node.fields) ?? measure(node, sizes);
      known.set(node.fields, found);
      return found;
    },
  };
  return sizes;
}

function measure({ type, fields }: TreeNode, sizes: MadeSizes): number {
  const literal = literalOf({ type, fields });
  if (typeof literal === 'string') return Math.max(literal.length, 1);
  if (type === 'FuncCall') return measureCall(fields, sizes);
  const parts = childrenOf(fields).map((part) => sizes.of(part));
  const isJoin = type === 'A_ArrayExpr' || (type === 'A_Expr' && namesOf(fields['name'])?.at(-1) === '||');
  return isJoin ? sum(parts) : Math.max(1, ...parts);
}

function measureCall(call: Fields, sizes: MadeSizes): number {
  const name = nameOf(call);
  const size = sizePosition(call) === undefined ? 1 : Math.max(sizeOfCall(call) ?? 1, 1);
  if (size > 1 && !MULTIPLYING.has(name)) return size;
  const args = listOf(call['args']);
  if (MULTIPLYING.has(name)) {
    const multiplied = args.filter((_, i) => i !== 1 || !name.endsWith('replace'));
    return multiplied.reduce((all, part) => all * sizes.of(part), size);
  }
  const whole = sum(childrenOf(call).map((part) => sizes.of(part)));
  if (name === 'format') return whole * countSpecifiers(args[0]);
  return whole * (Object.hasOwn(GROWING, name) ? (GROWING[name] ?? 1) : 1);
}

/** How often a format can show one argument, such as `%1$s`. */
function countSpecifiers(format: TreeNode | undefined): number {
  const text = literalOf(format);
  return typeof text === 'string' ? Math.max(1, text.split('%').length - 1) : 1;
}

function sum(parts: readonly number[]): number {
  return Math.max(
    1,
    parts.reduce((all, part) => all + part, 0),
  );
}

function childrenOf(fields: Fields): TreeNode[] {
  return Object.values(fields).flatMap((value) => {
    if (Array.isArray(value)) return [...listOf(value)];
    return nodeOf(value) ?? (isObject(value) ? { type: '', fields: value } : []);
  });
}
