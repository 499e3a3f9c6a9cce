import { z } from 'zod';
import { PlatformError } from '../core/errors.ts';

/** The part of EXPLAIN (FORMAT JSON) that tells what the planner expects. */
const Node = z.object({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  'Total Cost': z.number(),
  'Plan Rows': z.number(),
  Plans: z.array(z.unknown()).optional(),
});
const Explained = z.array(z.object({ Plan: Node })).min(1);

/** How deep the plan of a refused statement is told. */
const DEPTH = 3;

/** Fails with SQL_REJECTED for a plan that costs more; `hides`: without the names of relations. */
export function requireCheapPlan(plan: unknown, ceiling: number, hides: boolean): void {
  const parsed = Explained.safeParse(plan);
  const top = parsed.data?.[0]?.Plan;
  // what cannot be read could cost anything
  if (top === undefined) throw new PlatformError('INTERNAL', 'The plan of the statement could not be read.');
  const cost = top['Total Cost'];
  if (cost <= ceiling) return;
  throw new PlatformError('SQL_REJECTED', `The statement would cost ${cost}, and the limit is ${ceiling}.`, {
    hint: 'Read less: a condition that an index answers, a narrower range, fewer joins. explain_query shows the whole plan. An administrator can raise limits.plan_cost of the persona.',
    details: { rule: 'cost/above-ceiling', cost, ceiling, plan: outline(top, hides, DEPTH) },
  });
}

interface Outline {
  readonly node: string;
  readonly relation?: string;
  readonly cost: number;
  readonly rows: number;
  readonly inputs?: readonly Outline[];
}

function outline(node: z.output<typeof Node>, hides: boolean, depth: number): Outline {
  const inputs = (node.Plans ?? []).flatMap((each) => Node.safeParse(each).data ?? []);
  const relation = node['Relation Name'];
  return {
    node: node['Node Type'],
    ...(relation !== undefined && !hides && { relation }),
    cost: node['Total Cost'],
    rows: node['Plan Rows'],
    ...(inputs.length > 0 && depth > 1 && { inputs: inputs.map((each) => outline(each, hides, depth - 1)) }),
  };
}
