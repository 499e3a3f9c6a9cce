import { z } from 'zod';
import { nodesOf, type Plan, type PlanNode } from './plan.ts';

const ratioOf = z.number().min(0).nullable();

/** How a second plan differs from the first; ratios are second to first, so that less than 1 is better. */
export const planComparison = z.object({
  cost: z.number(),
  other_cost: z.number(),
  cost_ratio: ratioOf.describe('Second to first: less than 1 is better.'),
  time_ratio: ratioOf.describe('Null where either was not run.'),
  blocks_ratio: ratioOf.describe('Null where either was not run.'),
  same_shape: z.boolean(),
  access: z
    .array(z.object({ relation: z.string().meta({ names: 'table' }), before: z.string(), after: z.string() }))
    .describe('How each relation is read, where that differs.'),
  joins: z.object({ before: z.string(), after: z.string() }).nullable().describe('Null where they are the same.'),
});
export type PlanComparison = z.output<typeof planComparison>;

export function comparePlans(plan: Plan, other: Plan): PlanComparison {
  const joins = { before: joinsOf(plan), after: joinsOf(other) };
  return {
    cost: plan.root.cost,
    other_cost: other.root.cost,
    cost_ratio: ratio(plan.root.cost, other.root.cost),
    time_ratio: ratio(plan.root.time_ms, other.root.time_ms),
    blocks_ratio: ratio(blocksOf(plan.root), blocksOf(other.root)),
    access: compareAccess(accessOf(plan), accessOf(other)),
    joins: joins.before === joins.after ? null : joins,
    same_shape: shapeOf(plan.root) === shapeOf(other.root),
  };
}

function ratio(before: number | undefined, after: number | undefined): number | null {
  if (before === undefined || after === undefined || before === 0) return null;
  return Number((after / before).toPrecision(4));
}

function blocksOf({ buffers, loops }: PlanNode): number | undefined {
  if (loops === undefined) return undefined;
  return (buffers?.['hit'] ?? 0) + (buffers?.['read'] ?? 0);
}

/** By alias, since one relation may be read in several places. */
function accessOf({ root }: Plan): ReadonlyMap<string, string> {
  const access = new Map<string, string>();
  for (const each of nodesOf(root)) {
    const { relation, alias, node, index, parallel } = each;
    if (relation === undefined) continue;
    const name = alias === undefined || alias === relation ? relation : `${relation} ${alias}`;
    const indexes = index === undefined ? bitmapIndexes(each) : [index];
    const using = indexes.length === 0 ? '' : ` using ${indexes.join(', ')}`;
    const how = `${parallel ? 'Parallel ' : ''}${node}${using}`;
    access.set(name, access.has(name) && access.get(name) !== how ? `${access.get(name)}; ${how}` : how);
  }
  return access;
}

/** A bitmap scan of a table names its indexes in its inputs. */
function bitmapIndexes(scan: PlanNode): string[] {
  if (scan.node !== 'Bitmap Heap Scan') return [];
  return [...new Set(nodesOf(scan).flatMap(({ index }) => index ?? []))];
}

function compareAccess(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): PlanComparison['access'] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((relation) => {
    const pair = { before: before.get(relation) ?? 'not read', after: after.get(relation) ?? 'not read' };
    return pair.before === pair.after ? [] : [{ relation, ...pair }];
  });
}

const JOINS: ReadonlySet<string> = new Set(['Nested Loop', 'Hash Join', 'Merge Join']);

/** From the outermost to the innermost. */
function joinsOf({ root }: Plan): string {
  const names = nodesOf(root).flatMap(({ node, join }) =>
    JOINS.has(node) ? [join === undefined || join === 'Inner' ? node : `${join} ${node}`] : [],
  );
  return names.length === 0 ? 'none' : names.join(', ');
}

function shapeOf({ node, relation, alias, index, join, inputs = [] }: PlanNode): string {
  return JSON.stringify([node, relation, alias, index, join, inputs.map(shapeOf)]);
}
