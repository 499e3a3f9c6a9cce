import { isBoundedPath } from './bounded-path.ts';
import type { Collected } from './collect-references.ts';
import {
  createMadeSizes,
  isGrowing,
  isMultiplying,
  nameOf,
  SIZED,
  sizeOfCall,
  sizePosition,
  type MadeSizes,
} from './made-sizes.ts';
import { refuse } from './rules.ts';
import { refuseSetting } from './shown-setting.ts';
import { listOf, literalOf, locationOf, namesOf, nodeOf, type Fields, type TreeNode } from './tree.ts';
import type { Refusal } from './verdict.ts';

/** The planner would evaluate calls with constant arguments, so no plan-cost ceiling protects from a large one. */
const LARGEST_SIZE = 1_000_000;
/** Of all values that the statement makes on its way: the planner keeps each until the plan is made. */
const LARGEST_SUM = 100_000_000;

/** Their names as the attribute of an expression would escape what is asked of arguments. */
export const BOUNDED: ReadonlySet<string> = new Set([
  ...SIZED,
  'format',
  'current_setting',
  'pg_input_is_valid',
  'pg_input_error_info',
]);
/** Calls that search XML by their first argument. */
const SEARCHING = new Set(['xpath', 'xpath_exists', 'xmlexists']);
/** Types that pad to their length. */
const PADDED = new Set(['bpchar', 'bit', 'char']);
const INPUT_TYPES =
  /^(?:bool(?:ean)?|smallint|int(?:eger|2|4|8)?|bigint|real|float[48]|double precision|numeric|decimal|text|varchar|bpchar|date|times?(?:tamp)?(?:tz)?|interval|uuid|jsonb?|jsonpath|xml|inet|cidr|macaddr8?|bytea|money|point|tsquery|tsvector|pg_lsn|(?:int[48]|num|ts|tstz|date)(?:multi)?range)(?:\(\d{1,4}(?:, ?\d{1,4})?\))?(?: with(?:out)? time zone)?(?:\[\])?$/;

/** Why the arguments of a call, the path of a search, or the length of a type are refused. */
export function refuseArguments({ calls, joins, paths, typeNames }: Collected): Refusal | undefined {
  const sizes = createMadeSizes();
  return (
    first(calls, (call) => refuseCall(call, sizes)) ??
    refuseSum(calls, joins, sizes) ??
    first(paths, refusePath) ??
    first(typeNames, refuseLength)
  );
}

function first<T>(items: readonly T[], judge: (item: T) => Refusal | undefined): Refusal | undefined {
  for (const item of items) {
    const refusal = judge(item);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function refuseCall(call: Fields, sizes: MadeSizes): Refusal | undefined {
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
  if (sizePosition(call) !== undefined) {
    const size = sizeOfCall(call);
    if (size === undefined)
      return refuse('size/literal', `The size that ${name} makes is not a number in the text.`, at);
    if (size > LARGEST_SIZE)
      return refuse('size/too-large', `${name} would make more than ${LARGEST_SIZE} at once.`, at);
  }
  if (isMultiplying(call) && sizes.of({ type: 'FuncCall', fields: call }) > LARGEST_SIZE) {
    return refuse('size/too-large', `${name} would multiply sizes to more than ${LARGEST_SIZE}.`, at);
  }
  if (SEARCHING.has(name)) return refusePath(argument(call, 0));
  if (name === 'format') return refuseFormat(call);
  if (name === 'current_setting') return refuseCurrentSetting(call);
  if (name === 'pg_input_is_valid' || name === 'pg_input_error_info') return refuseInputType(call, name);
  return undefined;
}

function refuseSum(calls: readonly Fields[], joins: readonly Fields[], sizes: MadeSizes): Refusal | undefined {
  const nodes = [
    ...calls.filter(isGrowing).map((fields) => ({ type: 'FuncCall', fields })),
    ...joins.map((fields) => ({ type: 'A_Expr', fields })),
  ];
  let made = 0;
  for (const node of nodes) {
    made += sizes.of(node);
    if (made <= LARGEST_SUM) continue;
    return refuse(
      'size/too-large',
      `The statement would make more than ${LARGEST_SUM} in all.`,
      locationOf(node.fields),
    );
  }
  return undefined;
}

function argument(call: Fields, position: number): TreeNode | undefined {
  return listOf(call['args'])[position];
}

/** PostgreSQL cannot interrupt a search in XML. */
function refusePath(node: TreeNode | undefined): Refusal | undefined {
  const path = literalOf(node?.type === 'TypeCast' ? nodeOf(node.fields['arg']) : node);
  if (typeof path === 'string' && isBoundedPath(path)) return undefined;
  const at = node === undefined ? undefined : locationOf(node.fields);
  const reason =
    typeof path === 'string'
      ? 'The XPath may look at a document again and again, and could not be stopped.'
      : 'The XPath is not a literal.';
  return refuse('function/argument', reason, at, SIMPLER_PATH);
}

const SIMPLER_PATH =
  "Write one literal such as '/a/b', '//b[c = 1]' or 'count(//b)': // at its start only, and no unions, axes, or paths from the root in conditions. Take nodes apart with XMLTABLE, and compare them in SQL.";

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
