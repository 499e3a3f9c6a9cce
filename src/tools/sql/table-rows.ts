import type { ReachedDatabase } from '../../calls/context.ts';
import { TABLE_PARTS } from '../indexes/advice/known-tables.ts';
import { readParts } from '../kit/index.ts';
import { nodesOf, type Plan, type PlanNode } from './plan.ts';

/** How many rows the planner takes the tables of a plan to have: EXPLAIN does not say it. */
export async function readTableRows(target: ReachedDatabase, { root }: Plan) {
  const names = [...new Set(nodesOf(root).flatMap(({ relation }) => relation ?? []))];
  const { parts, unreadable } = await readParts(target, { tables: TABLE_PARTS.tables }, { names });
  const rows = new Map(parts.tables.map((each) => [JSON.stringify([each.schema, each.table]), each.rows]));
  return {
    rowsOf: ({ schema, relation }: PlanNode) => rows.get(JSON.stringify([schema, relation])),
    unreadable,
  };
}
