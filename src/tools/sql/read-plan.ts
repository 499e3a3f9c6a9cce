import { PlatformError } from '../../core/errors.ts';
import { isRecord } from '../../core/record.ts';
import type { Plan, PlanNode } from './plan.ts';

type Json = Readonly<Record<string, unknown>>;

/** What EXPLAIN (FORMAT JSON) gives, or an earlier plan of ours. Fails with INVALID_INPUT for anything else. */
export function readPlan(given: unknown): Plan {
  const whole = typeof given === 'string' ? parseJson(given) : given;
  const first: unknown = Array.isArray(whole) ? whole[0] : whole;
  if (!isRecord(first)) throw notAPlan();
  if (isRecord(first['root'])) {
    const { planning_ms, execution_ms } = first;
    return {
      root: readOwn(first['root'], 1),
      ...some({ planning_ms: numberOf(planning_ms), execution_ms: numberOf(execution_ms) }),
    };
  }
  const root = first['Plan'];
  if (!isRecord(root)) throw notAPlan();
  const jit = first['JIT'];
  const settings = first['Settings'];
  return {
    root: readNode(root, 1, 1),
    ...some({ planning_ms: numberOf(first['Planning Time']), execution_ms: numberOf(first['Execution Time']) }),
    ...(isRecord(jit) && { jit: readJit(jit) }),
    ...(isRecord(settings) && { settings: settings as Readonly<Record<string, string>> }),
  };
}

/** A plan is as deep as its statement has joins and sub-selects; a reader recurses so deep. */
const MAX_DEPTH = 500;

function readNode(json: Json, processes: number, depth: number): PlanNode {
  if (depth > MAX_DEPTH) throw notAPlan();
  const count = (key: string) => numberOf(json[key]);
  const launched = count('Workers Launched');
  const gathers = json['Node Type'] === 'Gather' || json['Node Type'] === 'Gather Merge';
  const below = gathers ? (launched ?? 0) + 1 : processes;
  const inputs = listOf(json['Plans']).map((each) => readNode(each, below, depth + 1));
  return {
    node: nameOf(json),
    ...some(readNames(json)),
    estimated_rows: count('Plan Rows') ?? 0,
    width: count('Plan Width') ?? 0,
    startup_cost: count('Startup Cost') ?? 0,
    cost: count('Total Cost') ?? 0,
    ...some({
      rows: count('Actual Rows'),
      loops: count('Actual Loops'),
      time_ms: timeOf(json, processes),
      conditions: record(json, CONDITIONS, textOf),
      sorted_by: texts(json['Sort Key']),
      grouped_by: texts(json['Group Key']),
      removed: record(json, REMOVED, positive),
      buffers: record(json, BUFFERS, positive),
      heap_fetches: count('Heap Fetches'),
      ...readMemory(json),
      workers: readWorkers(count('Workers Planned'), launched),
      inputs: inputs.length === 0 ? undefined : inputs,
    }),
  };
}

function readNames(json: Json) {
  const text = (key: string) => textOf(json[key]);
  const relationship = text('Parent Relationship');
  return {
    role: relationship === 'InitPlan' || relationship === 'SubPlan' ? relationship : undefined,
    subplan: text('Subplan Name'),
    join: text('Join Type'),
    strategy: text('Strategy'),
    schema: text('Schema'),
    relation: text('Relation Name') ?? text('CTE Name') ?? text('Function Name'),
    alias: text('Alias'),
    index: text('Index Name'),
    parallel: json['Parallel Aware'] === true ? (true as const) : undefined,
  };
}

/** Below a Gather, EXPLAIN counts the time of all processes together. */
function timeOf(json: Json, processes: number): number | undefined {
  const [runMs, loops] = [numberOf(json['Actual Total Time']), numberOf(json['Actual Loops'])];
  if (runMs === undefined || loops === undefined) return undefined;
  return (runMs * loops) / Math.min(processes, Math.max(loops, 1));
}

const OWN_TEXTS = ['node', 'role', 'subplan', 'join', 'strategy', 'schema', 'relation', 'alias', 'index'] as const;
const OWN_NUMBERS = ['estimated_rows', 'width', 'startup_cost', 'cost', 'rows', 'loops', 'time_ms'] as const;

/** Of an earlier plan of ours, what is compared: anybody may have written it. */
function readOwn(json: Json, depth: number): PlanNode {
  const isNode = textOf(json['node']) !== undefined && numberOf(json['cost']) !== undefined;
  if (!isNode || depth > MAX_DEPTH) throw notAPlan();
  const inputs = listOf(json['inputs']).map((each) => readOwn(each, depth + 1));
  return {
    estimated_rows: 0,
    width: 0,
    startup_cost: 0,
    ...some(Object.fromEntries(OWN_TEXTS.map((key) => [key, textOf(json[key])]))),
    ...some(Object.fromEntries(OWN_NUMBERS.map((key) => [key, numberOf(json[key])]))),
    ...(inputs.length > 0 && { inputs }),
  } as unknown as PlanNode;
}

function nameOf(json: Json): string {
  const node = textOf(json['Node Type']) ?? '?';
  const operation = textOf(json['Operation']);
  const partial = textOf(json['Partial Mode']);
  const backward = json['Scan Direction'] === 'Backward' ? ' Backward' : '';
  const name = node === 'ModifyTable' && operation !== undefined ? operation : `${node}${backward}`;
  return partial === undefined || partial === 'Simple' ? name : `${partial} ${name}`;
}

const CONDITIONS = {
  'Index Cond': 'index',
  'Hash Cond': 'hash',
  'Merge Cond': 'merge',
  'Recheck Cond': 'recheck',
  'TID Cond': 'tid',
  'Join Filter': 'join filter',
  Filter: 'filter',
  'One-Time Filter': 'one-time filter',
  'Order By': 'order by',
  'Cache Key': 'cache key',
} as const;

const REMOVED = {
  'Rows Removed by Filter': 'filter',
  'Rows Removed by Join Filter': 'join filter',
  'Rows Removed by Index Recheck': 'recheck',
} as const;

const BUFFERS = {
  'Shared Hit Blocks': 'hit',
  'Shared Read Blocks': 'read',
  'Shared Dirtied Blocks': 'dirtied',
  'Shared Written Blocks': 'written',
  'Local Hit Blocks': 'local_hit',
  'Local Read Blocks': 'local_read',
  'Temp Read Blocks': 'temp_read',
  'Temp Written Blocks': 'temp_written',
} as const;

function readMemory(json: Json) {
  const count = (key: string) => numberOf(json[key]);
  const method = textOf(json['Sort Method']);
  const batches = count('Hash Batches') ?? count('HashAgg Batches');
  const [exact, lossy] = [count('Exact Heap Blocks'), count('Lossy Heap Blocks')];
  return {
    sort:
      method === undefined
        ? undefined
        : { method, kb: count('Sort Space Used') ?? 0, on_disk: json['Sort Space Type'] === 'Disk' },
    hash:
      batches === undefined
        ? undefined
        : { batches, kb: count('Peak Memory Usage') ?? 0, disk_kb: count('Disk Usage') ?? 0 },
    heap_blocks: exact === undefined && lossy === undefined ? undefined : { exact: exact ?? 0, lossy: lossy ?? 0 },
  };
}

function readWorkers(planned: number | undefined, launched: number | undefined): PlanNode['workers'] {
  if (planned === undefined) return undefined;
  return launched === undefined ? { planned } : { planned, launched };
}

function readJit(json: Json): NonNullable<Plan['jit']> {
  const timing = json['Timing'];
  return { functions: numberOf(json['Functions']) ?? 0, ms: isRecord(timing) ? (numberOf(timing['Total']) ?? 0) : 0 };
}

function record<T>(
  json: Json,
  names: Readonly<Record<string, string>>,
  read: (value: unknown) => T | undefined,
): Readonly<Record<string, T>> | undefined {
  const found = Object.entries(names).flatMap(([key, name]) => {
    const value = read(json[key]);
    return value === undefined ? [] : [[name, value] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined. */
function some<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}

function texts(value: unknown): readonly string[] | undefined {
  const list = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
  return list.length === 0 ? undefined : list;
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notAPlan();
  }
}

function notAPlan(): PlatformError {
  return new PlatformError('INVALID_INPUT', 'The earlier plan is no plan of EXPLAIN (FORMAT JSON).', {
    hint: 'Give what EXPLAIN (FORMAT JSON) printed, the plan of an earlier answer, or a second statement.',
  });
}
