import { z } from 'zod';
import { defineTool, nameInput, readParts, schemaInput, statementsOf, tellWithheld } from '../kit/index.ts';
import { assess, VACUUMED_ON_PRIMARY } from './assess.ts';
import { autovacuumSettings } from './autovacuum-settings.ts';
import { HINDRANCES } from './hindrance.ts';
import { horizonHolders, judgeHolder } from './horizon-holders.ts';
import { judgeVisits } from './judge-visits.ts';
import { ORDERS, visitedTables } from './visited-table.ts';

const PARTS = { autovacuumSettings, visitedTables, horizonHolders };

const ofSchema = { database_name: 'database', schema_name: 'schema' };

const row = visitedTables.shape.pick({
  schema: true,
  table: true,
  part: true,
  last_vacuum: true,
  last_autovacuum: true,
  hours_since_vacuum: true,
  last_analyze: true,
  last_autoanalyze: true,
  hours_since_analyze: true,
  vacuum_count: true,
  autovacuum_count: true,
  analyze_count: true,
  autoanalyze_count: true,
  total_vacuum_time: true,
  total_autovacuum_time: true,
  total_analyze_time: true,
  total_autoanalyze_time: true,
  writes_per_vacuum: true,
  dead_rows: true,
  dead_rows_at: true,
});

export default defineTool({
  name: 'vacuum_history',
  area: 'vacuum',
  title: 'Vacuum history',
  description: 'When tables were vacuumed and analysed, and to what effect.',
  alsoKnownAs: {
    get_vacuum_analyze_stats: { database_name: 'database' },
    get_autovacuum_activity: { ...ofSchema, hours_back: 'hours_back' },
    get_vacuum_effectiveness_analysis: ofSchema,
  },
  judges: false,
  seldom: ['order_by'],
  input: {
    schema: schemaInput,
    name: nameInput,
    hours_back: z.number().min(0).optional(),
    order_by: z.enum(ORDERS).default('latest'),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    slow_s: z.number().min(0).default(3600).describe('Report tables that autovacuum is at for longer on average.'),
    overdue_percent: z.number().min(100).default(200).describe('Report what keeps tables this far beyond a threshold.'),
    min_rows: z.int().min(0).default(1000).describe('Findings leave out tables with fewer rows to clean.'),
    max_xmin_age: z.int().min(0).default(1_000_000).describe('Warn of what holds back more transactions than these.'),
  },
  output: {
    rows: z.array(
      row.extend({ hindered_by: z.enum(HINDRANCES).nullable().describe('Why it is still due, where that is known.') }),
    ),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  sees: [{ what: 'transactions of other roles that hold back cleanup', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run(input, target, { persona }) {
    const { schema = null, name = null, hours_back = null, order_by, limit } = input;
    const values = { schema, name, hours_back, order_by, aged_only: false, limit: limit + 1 };
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, values);
    const holders = parts.horizonHolders;
    const { inRecovery } = facts;
    const tables = parts.visitedTables.slice(0, limit);
    const assessed = assess(tables, { settings: parts.autovacuumSettings[0], holders, inRecovery }, input);
    return {
      rows: assessed.rows.map((each) => ({ ...row.parse(each), hindered_by: each.hindered_by })),
      truncated: parts.visitedTables.length > limit,
      total: parts.visitedTables[0]?.total_rows ?? 0,
      facts,
      findings: [
        ...(inRecovery ? [] : judgeHolder(holders, assessed.suspects, input.max_xmin_age)),
        ...judgeVisits(tables, input.slow_s),
      ],
      not_examined: [
        ...[...withheld].flatMap(([what, count]) => tellWithheld(count, persona.name, [what])),
        ...unreadable,
        ...(inRecovery ? [VACUUMED_ON_PRIMARY] : []),
      ],
    };
  },
});
