import { z } from 'zod';
import { gather, quoteName, type Finding } from '../kit/index.ts';
import { judgeEstimates } from './judge-estimates.ts';
import { judgeMemory } from './judge-memory.ts';
import { nodesOf, ownShare, rowsPerRun, type Plan, type PlanNode } from './plan.ts';
import { number, titleOf } from './plan-tree.ts';

export const planThresholds = {
  misestimate_factor: z.number().min(2).default(10).describe('Report estimates that are wrong by this factor.'),
  min_rows: z.int().min(1).default(1000).describe('Pass over nodes that handle fewer rows.'),
  removed_percent: z
    .number()
    .min(50)
    .max(100)
    .default(90)
    .describe('Report filters that throw away this share of rows.'),
  loop_rows: z.int().min(1).default(100_000).describe('Report nested loops that visit as many rows.'),
  jit_percent: z.number().min(1).max(100).default(20).describe('Report JIT compilation with this share of the time.'),
};
export type PlanThresholds = z.output<z.ZodObject<typeof planThresholds>>;

/** What of the catalogs a plan is judged by. */
export interface PlanEvidence {
  readonly thresholds: PlanThresholds;
  /** Rows of a relation as the planner counts them; undefined where that is not known. */
  readonly rowsOf: (node: PlanNode) => number | undefined;
}

const DOCS = 'https://www.postgresql.org/docs/current';

/** What a DBA would say of a plan. Without ANALYZE by the planner's own estimates, which may be wrong. */
export function judgePlan(plan: Plan, evidence: PlanEvidence): Finding[] {
  const { thresholds } = evidence;
  const nodes = nodesOf(plan.root);
  return [
    ...judgeEstimates(plan, thresholds),
    ...judgeMemory(nodes),
    ...gather(
      nodes.flatMap((node) => judgeScan(node, evidence)),
      (count) => `${count} scans throw most of what they read away.`,
    ),
    ...gather(
      nodes.flatMap((node) => judgeLoop(node, thresholds)),
      (count) => `${count} nested loops run over large sides.`,
    ),
    ...judgeJit(plan, thresholds),
    ...judgeWorkers(nodes),
  ];
}

/** `"schema"."relation"`, where it has one. */
export function objectOf({ schema, relation }: PlanNode): { readonly object?: string } {
  return schema === undefined || relation === undefined ? {} : { object: quoteName(schema, relation) };
}

interface Read {
  /** In all runs together. */
  readonly kept: number;
  readonly removed: number;
  readonly measured: boolean;
}

function judgeScan(node: PlanNode, { thresholds, rowsOf }: PlanEvidence): Finding[] {
  const read = readBy(node, rowsOf(node));
  if (read === undefined) return [];
  const total = read.kept + read.removed;
  const percent = (read.removed / total) * 100;
  if (total < thresholds.min_rows || percent < thresholds.removed_percent) return [];
  const isSequential = node.node === 'Seq Scan';
  const { filter, recheck } = node.conditions ?? {};
  return [
    {
      severity: isSequential && isDear(node, total) ? 'warning' : 'notice',
      claim: isSequential
        ? `${titleOf(node)} reads ${about(read, total)} rows to keep ${number(read.kept)}, which an index could find.`
        : `${titleOf(node)} finds ${about(read, total)} rows and throws ${Math.floor(percent)} % of them away.`,
      ...objectOf(node),
      evidence: {
        rows: Math.round(read.kept),
        removed: Math.round(read.removed),
        measured: read.measured,
        ...(filter !== undefined && { filter }),
        ...(recheck !== undefined && { recheck }),
        own_time_ms: ownShare(node).time_ms ?? null,
      },
      why: `${DOCS}/indexes-intro.html`,
      next_step: '-- index_advice names indexes for a statement, and proves them where HypoPG is installed',
    },
  ];
}

/** A small table is read sooner than any index. */
function isDear(node: PlanNode, rows: number): boolean {
  return rows >= 10_000 || (ownShare(node).time_ms ?? 0) >= 100;
}

function about({ measured }: Read, rows: number): string {
  return `${measured ? '' : 'an estimated '}${number(rows)}`;
}

/** Undefined of a node that reads no relation, or where nothing is known of what it leaves out. */
function readBy(node: PlanNode, tableRows: number | undefined): Read | undefined {
  if (node.relation === undefined || node.conditions === undefined) return undefined;
  if (node.rows !== undefined) {
    const { filter = 0, recheck = 0 } = node.removed ?? {};
    const loops = node.loops ?? 1;
    return { kept: node.rows * loops, removed: (filter + recheck) * loops, measured: true };
  }
  if (node.node !== 'Seq Scan' || tableRows === undefined || node.conditions['filter'] === undefined) return undefined;
  return { kept: node.estimated_rows, removed: Math.max(0, tableRows - node.estimated_rows), measured: false };
}

/** The inner side of a nested loop that is read whole for each row of the outer one, or that is run too often. */
function judgeLoop(node: PlanNode, { loop_rows }: PlanThresholds): Finding[] {
  if (node.node !== 'Nested Loop') return [];
  const [outer, inner] = (node.inputs ?? []).filter(({ role }) => role === undefined);
  if (outer === undefined || inner === undefined || inner.loops === 0) return [];
  const runs = inner.loops ?? outer.estimated_rows;
  const visited = runs * Math.max(rowsPerRun(inner) + removedBy(inner), 1);
  if (visited < loop_rows) return [];
  const joinFilter = node.conditions?.['join filter'];
  const estimated = inner.loops === undefined ? 'an estimated ' : '';
  return [
    {
      severity: inner.loops === undefined ? 'notice' : 'warning',
      claim: `A nested loop runs ${titleOf(inner)} ${estimated}${number(runs)} times and visits ${number(visited)} rows.`,
      ...objectOf(inner),
      evidence: {
        outer_rows: Math.round(rowsPerRun(outer)),
        outer_rows_estimated: Math.round(outer.estimated_rows),
        runs: Math.round(runs),
        rows_visited: Math.round(visited),
        time_ms: node.time_ms ?? null,
        ...(joinFilter !== undefined && { join_filter: joinFilter }),
      },
      why: `${DOCS}/using-explain.html`,
      next_step: joinFilter === undefined ? LOOK_AT_INDEX : LOOK_AT_CONDITION,
    },
  ];
}

const LOOK_AT_INDEX =
  '-- an index on the join column of the inner side, or a better estimate of the outer side, lets the planner choose';
const LOOK_AT_CONDITION =
  '-- the join condition is no equality, or no index serves it: see whether it can be written as one';

function removedBy({ removed = {} }: PlanNode): number {
  return Object.values(removed).reduce((sum, rows) => sum + rows, 0);
}

function judgeJit({ jit, execution_ms, planning_ms = 0 }: Plan, { jit_percent }: PlanThresholds): Finding[] {
  if (jit === undefined || execution_ms === undefined) return [];
  const percent = (jit.ms / Math.max(execution_ms + planning_ms, 0.001)) * 100;
  if (percent < jit_percent || jit.ms < 20) return [];
  return [
    {
      severity: 'warning',
      claim: `JIT compilation takes ${number(jit.ms)} ms, ${Math.round(percent)} % of the time.`,
      object: '"jit_above_cost"',
      evidence: { jit_ms: jit.ms, execution_ms, functions: jit.functions },
      why: `${DOCS}/jit-decision.html`,
      next_step:
        '-- for the role that runs it: ALTER ROLE … SET jit_above_cost = …; above the cost of this plan, or SET jit = off;',
    },
  ];
}

function judgeWorkers(nodes: readonly PlanNode[]): Finding[] {
  return nodes.flatMap(({ workers }) => {
    if (workers?.launched === undefined || workers.launched >= workers.planned) return [];
    return [
      {
        severity: 'notice' as const,
        claim: `Only ${workers.launched} of ${workers.planned} parallel workers were to be had.`,
        object: '"max_parallel_workers"',
        evidence: { planned: workers.planned, launched: workers.launched },
        why: `${DOCS}/how-parallel-query-works.html`,
        next_step: '-- see with settings whether max_parallel_workers and max_worker_processes suit the load',
      },
    ];
  });
}
