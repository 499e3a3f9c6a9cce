import { z } from 'zod';
import {
  defineTool,
  limitInput,
  readParts,
  schemaInput,
  statementsOf,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import { judgePartitions } from './judge-partitions.ts';
import { bounds, BOUNDS_AT_MOST, defaults, nodes, NODES_AT_MOST, pending, totals, uneven } from './problem-parts.ts';
import { assemble, describeProblems, problemRow, type PartitionedTable } from './problem-row.ts';

const PARTS = { nodes, bounds, defaults, pending, totals, uneven };

export default defineTool({
  name: 'partition_problems',
  area: 'partitions',
  title: 'Partition problems',
  description: 'Partitions missing now or soon, gaps, filled defaults, pending detach, uneven indexes.',
  input: { schema: schemaInput, limit: limitInput() },
  thresholds: {
    warn_ahead_days: z
      .number()
      .min(0)
      .default(7)
      .describe('Warn when the last range ends sooner, or within its own width where that is less.'),
    max_partitions: z.int().min(1).default(2000).describe('Report tables with more.'),
  },
  output: { rows: z.array(problemRow), truncated: z.boolean(), total: z.int().min(0) },
  statements: statementsOf(PARTS),
  async run({ schema, limit, ...thresholds }, target) {
    const values = { schema: schema ?? null, nodes: NODES_AT_MOST, bounds: BOUNDS_AT_MOST };
    const { parts, unreadable, facts } = await readParts(target, PARTS, values);
    const tables = assemble(parts);
    const findings = judgePartitions(tables, thresholds);
    const shown = byFindings(tables, thresholds).slice(0, limit);
    const total = parts.nodes[0]?.total_rows ?? 0;
    return {
      rows: shown.map(describeProblems),
      truncated: total > shown.length,
      total,
      facts,
      findings,
      not_examined: [...unreadable, ...(unreadable.length === 0 ? unread(tables, total) : [])],
    };
  },
});

const URGENCY: readonly Finding['severity'][] = ['critical', 'warning', 'notice', 'ok'];

/** Those with findings first. */
function byFindings(
  tables: readonly PartitionedTable[],
  thresholds: Parameters<typeof judgePartitions>[1],
): PartitionedTable[] {
  const ranks = new Map(
    tables.map((table) => {
      const severities = judgePartitions([table], thresholds).map(({ severity }) => URGENCY.indexOf(severity));
      return [table, Math.min(URGENCY.length, ...severities)];
    }),
  );
  return tables.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
}

const NAMED = 5;

function unread(tables: readonly PartitionedTable[], total: number): NotExamined[] {
  const because = (bounds: PartitionedTable['bounds'], reason: string, remedy?: string): NotExamined[] => {
    const objects = tables.filter((table) => table.bounds === bounds).map(({ object }) => object);
    if (objects.length === 0) return [];
    const more = objects.length > NAMED ? ` and ${objects.length - NAMED} more` : '';
    const what = `gaps and the end of the ranges of ${objects.slice(0, NAMED).join(', ')}${more}`;
    return [{ what, reason, ...(remedy !== undefined && { remedy }) }];
  };
  return [
    ...because('other key', 'Only keys of one column that is a date, a timestamp or an integer are read.'),
    ...because(
      'locked',
      'A session holds or awaits an exclusive lock on a partition, and reading its bounds would wait.',
      'activity shows who blocks whom.',
    ),
    ...because(
      'too many',
      `The bounds of ${BOUNDS_AT_MOST} partitions are read at most.`,
      'partitions shows the last ones of a table.',
    ),
    ...(total > tables.length
      ? [
          {
            what: `${total - tables.length} more partitioned tables`,
            reason: `${NODES_AT_MOST} are read at most.`,
            remedy: 'Ask for one schema.',
          },
        ]
      : []),
  ];
}
