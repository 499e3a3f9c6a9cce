import { z } from 'zod';
import {
  defineTool,
  nameInput,
  readParts,
  schemaInput,
  statementsOf,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import { assess, USUAL_LIMITS } from '../vacuum/assess.ts';
import { autovacuumSettings } from '../vacuum/autovacuum-settings.ts';
import { dueTables } from '../vacuum/due-table.ts';
import { horizonHolders } from '../vacuum/horizon-holders.ts';
import { judgeChanges } from '../vacuum/judge-due.ts';
import { judgeStale } from './judge-stale.ts';
import { notCovered, staleCoverage } from './stale-coverage.ts';
import { staleTables } from './stale-table.ts';

const PARTS = { staleTables, staleCoverage, autovacuumSettings, dueTables, horizonHolders };

const row = staleTables.shape.omit({ size: true, counted: true, remote_estimate: true, total_rows: true });

export default defineTool({
  name: 'stale_statistics',
  area: 'tables',
  title: 'Stale statistics',
  description: 'Planner statistics that are missing or out of date.',
  input: {
    schema: schemaInput,
    name: nameInput,
    changed_percent: z.number().min(0).default(20).describe('List tables of whose rows more were changed since.'),
    limit: z.int().min(1).max(500).default(20),
  },
  seldom: ['changed_percent'],
  thresholds: {
    min_rows: z.int().min(0).default(10_000).describe('Findings leave out tables with fewer rows.'),
  },
  output: {
    rows: z.array(row).describe('Tables that were never analysed first, then the largest.'),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  statements: statementsOf(PARTS),
  async run({ schema = null, name = null, changed_percent, limit, min_rows }, target) {
    const { overdue_percent } = USUAL_LIMITS;
    const values = {
      schema,
      name,
      changed_percent,
      due_only: true,
      aged_only: false,
      overdue_percent,
      limit: limit + 1,
    };
    const { facts, parts, unreadable } = await readParts(target, PARTS, values);
    const tables = parts.staleTables.slice(0, limit);
    const [settings] = parts.autovacuumSettings;
    const { inRecovery } = facts;
    const due = assess(
      parts.dueTables.slice(0, limit),
      { settings, holders: parts.horizonHolders, inRecovery },
      USUAL_LIMITS,
    );
    return {
      rows: tables.map((each) => row.parse(each)),
      truncated: parts.staleTables.length > limit,
      total: parts.staleTables[0]?.total_rows ?? 0,
      facts,
      findings: withChanges(judgeStale(tables, { min_rows }), judgeChanges(due.rows, USUAL_LIMITS)),
      not_examined: [
        ...unreadable,
        ...notCovered(parts.staleCoverage[0], facts),
        ...(inRecovery ? [ANALYZED_ON_PRIMARY] : []),
      ],
    };
  },
});

/** What was never analysed has changed since, too. */
function withChanges(findings: readonly Finding[], changes: readonly Finding[]): Finding[] {
  const said = new Set(findings.map(({ object }) => object));
  return [...findings, ...changes.filter(({ object }) => object === undefined || !said.has(object))];
}

const ANALYZED_ON_PRIMARY: NotExamined = {
  what: 'changes since the last ANALYZE, and when that was',
  reason: 'This server is a standby: it has the statistics of its primary, which alone counts changes.',
  remedy: 'Ask the primary.',
};
