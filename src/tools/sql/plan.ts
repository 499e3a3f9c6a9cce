import { PlatformError } from '../../core/errors.ts';
import { isRecord } from '../../core/record.ts';

/** A node of a plan: EXPLAIN's own words under short names, and nothing that is empty. Costs are PostgreSQL's units. */
export interface PlanNode {
  readonly node: string;
  /** How it belongs to its parent where that is no plain input: `InitPlan`, `SubPlan`. */
  readonly role?: string;
  readonly subplan?: string;
  readonly join?: string;
  readonly strategy?: string;
  readonly schema?: string;
  readonly relation?: string;
  readonly alias?: string;
  readonly index?: string;
  readonly parallel?: true;
  readonly estimated_rows: number;
  readonly width: number;
  readonly startup_cost: number;
  readonly cost: number;
  /** Rows of one run; undefined without ANALYZE. */
  readonly rows?: number;
  /** How often it ran, in all processes together; 0: never. */
  readonly loops?: number;
  /** Of all runs, its children included; of one process, where several ran beside each other. */
  readonly time_ms?: number;
  readonly conditions?: Readonly<Record<string, string>>;
  readonly sorted_by?: readonly string[];
  readonly grouped_by?: readonly string[];
  /** Of one run, by which condition. */
  readonly removed?: Readonly<Record<string, number>>;
  readonly buffers?: Readonly<Record<string, number>>;
  readonly heap_fetches?: number;
  readonly sort?: { readonly method: string; readonly kb: number; readonly on_disk: boolean };
  readonly hash?: { readonly batches: number; readonly kb: number; readonly disk_kb: number };
  readonly heap_blocks?: { readonly exact: number; readonly lossy: number };
  readonly workers?: { readonly planned: number; readonly launched?: number };
  readonly inputs?: readonly PlanNode[];
}

export interface Plan {
  readonly root: PlanNode;
  readonly planning_ms?: number;
  readonly execution_ms?: number;
  readonly jit?: { readonly functions: number; readonly ms: number };
  /** Those that differ from the defaults of the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

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

/** Itself and all below, parents first. */
export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.inputs ?? []).flatMap(nodesOf)];
}

/** What of its time and its cost is not that of its inputs. */
export function ownShare(node: PlanNode): { readonly cost: number; readonly time_ms: number | undefined } {
  const inputs = (node.inputs ?? []).filter(({ role }) => role !== 'InitPlan' && role !== 'SubPlan');
  const sum = (of: (each: PlanNode) => number) => inputs.reduce((total, each) => total + of(each), 0);
  return {
    cost: Math.max(0, node.cost - sum(({ cost }) => cost)),
    time_ms: node.time_ms === undefined ? undefined : Math.max(0, node.time_ms - sum(({ time_ms }) => time_ms ?? 0)),
  };
}

/** A plan is as deep as its statement has joins and sub-selects; a reader recurses so deep. */
const MAX_DEPTH = 500;

function readNode(json: Json, processes: number, depth: number): PlanNode {
  if (depth > MAX_DEPTH) throw notAPlan();
  const text = (key: string) => textOf(json[key]);
  const count = (key: string) => numberOf(json[key]);
  const loops = count('Actual Loops');
  const launched = count('Workers Launched');
  // below a Gather, time is that of all processes together
  const below =
    json['Node Type'] === 'Gather' || json['Node Type'] === 'Gather Merge' ? (launched ?? 0) + 1 : processes;
  const runMs = count('Actual Total Time');
  const inputs = listOf(json['Plans']).map((each) => readNode(each, below, depth + 1));
  return {
    node: nameOf(json),
    ...some({
      role:
        json['Parent Relationship'] === 'InitPlan' || json['Parent Relationship'] === 'SubPlan'
          ? text('Parent Relationship')
          : undefined,
      subplan: text('Subplan Name'),
      join: text('Join Type'),
      strategy: text('Strategy'),
      schema: text('Schema'),
      relation: text('Relation Name') ?? text('CTE Name') ?? text('Function Name'),
      alias: text('Alias'),
      index: text('Index Name'),
      parallel: json['Parallel Aware'] === true ? (true as const) : undefined,
    }),
    estimated_rows: count('Plan Rows') ?? 0,
    width: count('Plan Width') ?? 0,
    startup_cost: count('Startup Cost') ?? 0,
    cost: count('Total Cost') ?? 0,
    ...some({
      rows: count('Actual Rows'),
      loops,
      time_ms:
        runMs === undefined || loops === undefined
          ? undefined
          : (runMs * loops) / Math.min(processes, Math.max(loops, 1)),
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
