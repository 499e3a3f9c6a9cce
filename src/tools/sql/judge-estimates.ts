import { gather, quoteName, type Finding } from '../kit/index.ts';
import type { Plan, PlanNode } from './plan.ts';
import { number, titleOf } from './plan-tree.ts';

interface Thresholds {
  readonly misestimate_factor: number;
  readonly min_rows: number;
}

interface Misestimate {
  readonly node: PlanNode;
  readonly factor: number;
}

/**
 * Where the planner was wrong first: a node whose inputs were estimated well enough. What ends early (under a LIMIT, on the
 * inner side of a merge or semi-join) has fewer rows than estimated without any mistake.
 */
export function judgeEstimates({ root }: Plan, thresholds: Thresholds): Finding[] {
  return gather(
    originsOf(root, thresholds, false).map(finding),
    (count) => `${count} estimates are far from what was found.`,
  );
}

function originsOf(node: PlanNode, thresholds: Thresholds, endsEarly: boolean): Misestimate[] {
  const stops = node.node === 'Limit' || node.join === 'Semi' || node.join === 'Anti' || node.node === 'Merge Join';
  // a node that reads everything before it gives anything may end early itself, and ends nothing below it
  const early = stops || (endsEarly && !takesAll(node));
  const below = (node.inputs ?? []).flatMap((input) => originsOf(input, thresholds, early));
  if (below.length > 0) return below;
  const factor = factorOf(node, thresholds, endsEarly);
  return factor === undefined ? [] : [{ node, factor }];
}

const TAKES_ALL = /^(?:Incremental )?Sort$|Aggregate$|^Hash$|^Materialize$/;

function takesAll({ node, strategy }: PlanNode): boolean {
  return TAKES_ALL.test(node) && strategy !== 'Sorted' && node !== 'Incremental Sort' && node !== 'Materialize';
}

function factorOf(node: PlanNode, thresholds: Thresholds, endsEarly: boolean): number | undefined {
  const { rows, loops = 0, estimated_rows } = node;
  if (rows === undefined || loops === 0 || PASSES_ON.has(node.node)) return undefined;
  const [found, expected] = [Math.max(rows, 1), Math.max(estimated_rows, 1)];
  if (endsEarly && found < expected) return undefined;
  if (Math.max(found, expected) * loops < thresholds.min_rows) return undefined;
  const factor = Math.max(found / expected, expected / found);
  return factor >= thresholds.misestimate_factor ? factor : undefined;
}

/** These have the rows of their input, whose estimate is the one to look at; a bitmap counts what it marks, not rows. */
const PASSES_ON: ReadonlySet<string> = new Set([
  'Hash',
  'Materialize',
  'Memoize',
  'Gather',
  'Gather Merge',
  'BitmapAnd',
  'BitmapOr',
  'Bitmap Index Scan',
  'Limit',
]);

function finding({ node, factor }: Misestimate): Finding {
  const { schema, relation, rows = 0, loops = 1, estimated_rows, conditions = {} } = node;
  const table = schema !== undefined && relation !== undefined ? quoteName(schema, relation) : undefined;
  const direction = rows > estimated_rows ? 'more' : 'fewer';
  return {
    severity: factor >= 100 ? 'warning' : 'notice',
    claim: `${titleOf(node)} gave ${number(factor)} times ${direction} rows than estimated.`,
    ...(table !== undefined && { object: table }),
    evidence: {
      factor: Number(factor.toPrecision(3)),
      rows: Math.round(rows),
      estimated_rows: Math.round(estimated_rows),
      loops,
      ...(conditions['filter'] !== undefined && { filter: conditions['filter'] }),
      ...(conditions['index'] !== undefined && { index_condition: conditions['index'] }),
    },
    why: 'https://www.postgresql.org/docs/current/planner-stats.html',
    next_step: nextStep(table, Object.values(conditions).join(' ')),
  };
}

function nextStep(table: string | undefined, condition: string): string {
  if (table === undefined)
    return '-- see whether statistics of the tables below are fresh (stale_statistics), and whether their conditions depend on each other';
  const isCompound = / (?:AND|OR) /.test(condition);
  const extended = '-- where columns depend on each other: CREATE STATISTICS … ON …, … FROM the table, then ANALYZE';
  return `ANALYZE ${table};${isCompound ? `\n${extended}` : ''}`;
}
