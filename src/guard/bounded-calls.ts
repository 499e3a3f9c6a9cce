import { refuseSetting } from './shown-setting.ts';
import type { Collected } from './collect-references.ts';
import { refuse } from './rules.ts';
import { isObject, listOf, literalOf, locationOf, namesOf, nodeOf, type Fields, type TreeNode } from './tree.ts';
import type { Refusal } from './verdict.ts';

/** The planner would evaluate calls with constant arguments, so no plan-cost ceiling protects from a large one. */
const LARGEST_SIZE = 1_000_000;

/** Calls whose result is as long as an argument says, by the position of that argument. */
const SIZES: Readonly<Record<string, number>> = { repeat: 1, lpad: 1, rpad: 1, array_fill: 1 };
/** Calls that multiply the lengths of their arguments. */
const MULTIPLYING = new Set(['repeat', 'array_fill', 'replace', 'regexp_replace', 'array_to_string']);
/** Their names as the attribute of an expression would escape what is asked of arguments. */
export const BOUNDED: ReadonlySet<string> = new Set([
  ...Object.keys(SIZES),
  'format',
  'current_setting',
  'pg_input_is_valid',
  'pg_input_error_info',
]);
/** Types that pad to their length. */
const PADDED = new Set(['bpchar', 'bit', 'char']);
const INPUT_TYPES =
  /^(?:bool(?:ean)?|smallint|int(?:eger|2|4|8)?|bigint|real|float[48]|double precision|numeric|decimal|text|varchar|bpchar|date|times?(?:tamp)?(?:tz)?|interval|uuid|jsonb?|jsonpath|xml|inet|cidr|macaddr8?|bytea|money|point|tsquery|tsvector|pg_lsn|(?:int[48]|num|ts|tstz|date)(?:multi)?range)(?:\(\d{1,4}(?:, ?\d{1,4})?\))?(?: with(?:out)? time zone)?(?:\[\])?$/;

/** Why the arguments of a call, or the length of a type, are refused. */
export function refuseArguments({ calls, typeNames }: Collected): Refusal | undefined {
  for (const call of calls) {
    const refusal = refuseCall(call);
    if (refusal !== undefined) return refusal;
  }
  for (const type of typeNames) {
    const refusal = refuseLength(type);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function refuseCall(call: Fields): Refusal | undefined {
  const name = nameOf(call);
  const at = locationOf(call);
  if (BOUNDED.has(name)) {
    const named = listOf(call['args']).some(({ type }) => type === 'NamedArgExpr');
    if (named || call['func_variadic'] === true) {
      return refuse(
        'function/argument',
        `${name} has arguments by name or VARIADIC.`,
        at,
        'Write the arguments in order.',
      );
    }
  }
  if (Object.hasOwn(SIZES, name)) {
    const size = sizeOfCall(call, name);
    if (size === undefined)
      return refuse('size/literal', `The size that ${name} makes is not a number in the text.`, at);
    if (size > LARGEST_SIZE)
      return refuse('size/too-large', `${name} would make more than ${LARGEST_SIZE} at once.`, at);
  }
  if (MULTIPLYING.has(name) && product({ type: 'FuncCall', fields: call }) > LARGEST_SIZE) {
    return refuse('size/too-large', `${name} would multiply sizes to more than ${LARGEST_SIZE}.`, at);
  }
  if (name === 'format') return refuseFormat(call);
  if (name === 'current_setting') return refuseCurrentSetting(call);
  if (name === 'pg_input_is_valid' || name === 'pg_input_error_info') return refuseInputType(call, name);
  return undefined;
}

function nameOf(call: Fields): string {
  return namesOf(call['funcname'])?.at(-1) ?? '';
}

function argument(call: Fields, position: number): TreeNode | undefined {
  return listOf(call['args'])[position];
}

/** What the size in the text is; undefined where it is none, or not written as a number. */
function sizeOfCall(call: Fields, name: string): number | undefined {
  const node = argument(call, SIZES[name] ?? 0);
  return name === 'array_fill' ? productOfArray(node) : sizeOf(node);
}

function sizeOf(node: TreeNode | undefined): number | undefined {
  if (node?.type === 'MinMaxExpr' && node.fields['op'] === 'IS_LEAST') {
    const bounds = listOf(node.fields['args']).flatMap((item) => sizeOf(item) ?? []);
    return bounds.length === 0 ? undefined : Math.min(...bounds);
  }
  const literal = literalOf(isIntegerCast(node) ? nodeOf(node?.fields['arg']) : node);
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

/** How long the result may be, by the sizes and literals that it is made of: those of nested calls multiply. */
function product({ type, fields }: TreeNode): number {
  const literal = literalOf({ type, fields });
  if (typeof literal === 'string') return Math.max(literal.length, 1);
  if (type !== 'FuncCall') return childrenOf(fields).reduce((most, part) => Math.max(most, product(part)), 1);
  const name = nameOf(fields);
  const multiplied = listOf(fields['args']).filter((_, i) => i !== 1 || !name.endsWith('replace'));
  const parts = (MULTIPLYING.has(name) ? multiplied : childrenOf(fields)).map(product);
  const size = Object.hasOwn(SIZES, name) ? Math.max(sizeOfCall(fields, name) ?? 1, 1) : 1;
  if (name === 'lpad' || name === 'rpad') return size;
  return MULTIPLYING.has(name) ? parts.reduce((all, part) => all * part, size) : Math.max(size, ...parts);
}

function childrenOf(fields: Fields): TreeNode[] {
  return Object.values(fields).flatMap((value) => {
    if (Array.isArray(value)) return [...listOf(value)];
    return nodeOf(value) ?? (isObject(value) ? { type: '', fields: value } : []);
  });
}

/** A width in a format is a size; one from an argument, or in a format that is not in the text, cannot be judged. */
function refuseFormat(call: Fields): Refusal | undefined {
  const format = literalOf(argument(call, 0));
  const at = locationOf(call);
  if (typeof format !== 'string') {
    return refuse(
      'size/literal',
      'The format of format() is not a literal.',
      at,
      'Write the format as a literal, or join with || or concat().',
    );
  }
  const widths = [...format.matchAll(/%(?:\d+\$)?-?(\*|\d+)/g)].map(([, width = '']) => width);
  if (widths.includes('*')) return refuse('size/literal', 'A width of format() comes from an argument.', at);
  const tooWide = widths.some((width) => Number(width) > LARGEST_SIZE);
  return tooWide ? refuse('size/too-large', 'A width of format() is too large.', at) : undefined;
}

function refuseCurrentSetting(call: Fields): Refusal | undefined {
  const name = literalOf(argument(call, 0));
  const at = locationOf(call);
  if (typeof name === 'string') return refuseSetting(name, 'current_setting', at);
  return refuse('function/argument', 'The setting that current_setting shows is not a literal.', at);
}

/** Such a call runs the input function of the type, and that of a domain runs its checks. */
function refuseInputType(call: Fields, name: string): Refusal | undefined {
  const type = literalOf(argument(call, 1));
  if (typeof type === 'string' && INPUT_TYPES.test(type.trim().toLowerCase())) return undefined;
  return refuse(
    'function/argument',
    `The type that ${name} reads is not the name of a built-in one.`,
    locationOf(call),
  );
}

function refuseLength(type: Fields): Refusal | undefined {
  const name = namesOf(type['names'])?.at(-1) ?? '';
  if (!PADDED.has(name)) return undefined;
  for (const modifier of listOf(type['typmods'])) {
    const length = literalOf(modifier);
    if (typeof length !== 'number')
      return refuse('size/literal', `The length of ${name} is not a number.`, locationOf(type));
    if (length > LARGEST_SIZE)
      return refuse('size/too-large', `A ${name} would be padded to ${length}.`, locationOf(type));
  }
  return undefined;
}
