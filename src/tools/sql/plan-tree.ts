import { quoteName } from '../kit/index.ts';
import { nodesOf, ownShare, type Plan, type PlanNode } from './plan.ts';

/** A condition is shown up to here; the plan as data has all of it. */
const CONDITION_LENGTH = 200;

/**
 * A plan as an indented tree, one node to two lines: what it does, then rows as estimated and as they were, its cost or its
 * own time, and what it read. The dearest node is marked.
 */
export function renderPlan(plan: Plan): string {
  const all = nodesOf(plan.root);
  const dearest = all.reduce((most, node) => (weight(node) > weight(most) ? node : most), plan.root);
  return [...renderNode(plan.root, { dearest, first: '', rest: '' }), ...renderTotals(plan)].join('\n');
}

function weight(node: PlanNode): number {
  const { cost, time_ms } = ownShare(node);
  return time_ms ?? cost;
}

interface Place {
  readonly dearest: PlanNode;
  /** What stands before its first line, and before the others. */
  readonly first: string;
  readonly rest: string;
}

function renderNode(node: PlanNode, { dearest, first, rest }: Place): string[] {
  const inputs = node.inputs ?? [];
  const bar = inputs.length > 0 ? '│ ' : '  ';
  return [
    `${first}${titleOf(node)}${node === dearest ? '   ◀ dearest' : ''}`,
    `${rest}${bar}${numbersOf(node)}`,
    ...detailsOf(node).map((line) => `${rest}${bar}${line}`),
    ...inputs.flatMap((input, i) => {
      const isLast = i === inputs.length - 1;
      return renderNode(input, {
        dearest,
        first: `${rest}${isLast ? '└─ ' : '├─ '}`,
        rest: `${rest}${isLast ? '   ' : '│  '}`,
      });
    }),
  ];
}

/** Such as `Parallel Index Scan using "i" on "s"."t" a`. */
export function titleOf(node: PlanNode): string {
  const { schema, relation, alias, index, join, strategy, role, subplan } = node;
  const name = relation === undefined ? undefined : schema === undefined ? relation : quoteName(schema, relation);
  const isNamedAnew = alias !== undefined && alias !== relation;
  return [
    role === undefined
      ? ''
      : `${role}${subplan === undefined ? '' : ` ${subplan.replace(/^(?:InitPlan|SubPlan) /, '')}`}: `,
    node.parallel ? 'Parallel ' : '',
    join !== undefined && join !== 'Inner' ? `${join} ` : '',
    strategy !== undefined && strategy !== 'Plain' ? `${strategy} ` : '',
    node.node,
    index === undefined ? '' : ` using ${index}`,
    name === undefined ? '' : ` on ${name}`,
    isNamedAnew ? ` ${alias}` : '',
  ].join('');
}

function numbersOf(node: PlanNode): string {
  const { rows, loops, estimated_rows, cost } = node;
  const { time_ms } = ownShare(node);
  const buffers = Object.entries(node.buffers ?? {}).map(([name, blocks]) => `${name} ${number(blocks)}`);
  if (loops === 0) return `never run, rows ${number(estimated_rows)} estimated, cost ${number(cost)}`;
  return [
    rows === undefined
      ? `rows ${number(estimated_rows)}`
      : `rows ${number(rows)} (${number(estimated_rows)} estimated)`,
    loops !== undefined && loops > 1 ? `× ${number(loops)}` : '',
    `cost ${number(cost)}`,
    time_ms === undefined ? '' : `own time ${number(time_ms)} ms of ${number(node.time_ms ?? 0)}`,
    buffers.length === 0 ? '' : `blocks ${buffers.join(', ')}`,
  ]
    .filter((part) => part !== '')
    .join(', ')
    .replace(', ×', ' ×');
}

function detailsOf(node: PlanNode): string[] {
  const { conditions = {}, removed = {}, sort, hash, heap_blocks, workers, heap_fetches } = node;
  return [
    ...Object.entries(conditions).map(([name, text]) => {
      const gone = removed[name];
      return `${name}: ${cut(text)}${gone === undefined ? '' : ` (removes ${number(gone)})`}`;
    }),
    ...(node.sorted_by ? [`by ${cut(node.sorted_by.join(', '))}`] : []),
    ...(node.grouped_by ? [`groups by ${cut(node.grouped_by.join(', '))}`] : []),
    ...(sort ? [`${sort.method}, ${number(sort.kb)} kB ${sort.on_disk ? 'on disk' : 'in memory'}`] : []),
    ...(hash
      ? [`${number(hash.batches)} ${hash.batches === 1 ? 'batch' : 'batches'}, ${number(hash.kb)} kB in memory`]
      : []),
    ...(heap_blocks && heap_blocks.lossy > 0
      ? [`heap blocks: ${number(heap_blocks.exact)} exact, ${number(heap_blocks.lossy)} lossy`]
      : []),
    ...(heap_fetches ? [`${number(heap_fetches)} rows fetched from the table`] : []),
    ...(workers
      ? [`workers: ${workers.planned} planned${workers.launched === undefined ? '' : `, ${workers.launched} launched`}`]
      : []),
  ];
}

function renderTotals({ planning_ms, execution_ms, jit }: Plan): string[] {
  return [
    ...(planning_ms === undefined ? [] : [`planning ${number(planning_ms)} ms`]),
    ...(jit ? [`JIT ${number(jit.ms)} ms, ${number(jit.functions)} functions`] : []),
    ...(execution_ms === undefined ? [] : [`execution ${number(execution_ms)} ms`]),
  ];
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= CONDITION_LENGTH
    ? line
    : `${line.slice(0, CONDITION_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Two decimals below 10, one below 100; thousands stand apart. */
export function number(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  const [whole = '0', fraction] = value
    .toFixed(digits)
    .replace(/\.0+$|(\.\d*[1-9])0+$/, '$1')
    .split('.');
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
