import { z } from 'zod';
import { defineTool, limitInput, readParts, statementsOf, tellWithheld } from '../kit/index.ts';
import { counterRow, sessionCounters } from './counter-row.ts';
import { checksums, databaseCounters, workerLimits } from './database-counters.ts';
import { judgeDamage, totals } from './databases.ts';
import { judgeCounters } from './judge-counters.ts';

const PARTS = { databaseCounters, totals, checksums, workerLimits };
const row = z.object(counterRow);
const sessions = z.object(sessionCounters);
const percent = z.number().min(0).max(100);

export default defineTool({
  name: 'database_statistics',
  area: 'server',
  title: 'Database statistics',
  description: 'Counters of each database: transactions, hits, rows, temporary files, deadlocks, checksums, sessions.',
  alsoKnownAs: { get_database_stats: {} },
  clusterWide: true,
  input: {
    order_by: z.enum(['transactions', 'rollbacks', 'reads', 'temp', 'deadlocks', 'name']).default('transactions'),
    limit: limitInput(15),
  },
  seldom: ['order_by'],
  thresholds: {
    max_deadlocks_per_day: z.number().min(0).default(10).describe('Report databases with more.'),
    max_rollback_percent: percent.default(20).describe('Report databases whose transactions are rolled back more.'),
    min_hit_percent: percent.default(90).describe('Report heavy readers with fewer cache hits.'),
    min_launched_percent: percent.default(80).describe('Report when fewer parallel workers could be launched.'),
    // https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM
    max_temp_per_hour: z
      .number()
      .min(0)
      .default(10 * 2 ** 30)
      .describe('Report more temporary files, in bytes.'),
  },
  output: {
    data_checksums: z.boolean().nullable(),
    rows: z.array(row),
    truncated: z.boolean(),
    total: z.int().min(0),
    sessions: z.array(sessions).describe('Of the same databases; PostgreSQL 14 on.'),
  },
  statements: statementsOf(PARTS),
  async run({ order_by, limit, ...thresholds }, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { order_by });
    const all = parts.databaseCounters;
    const shown = all.slice(0, limit);
    const shared = all.find(({ database }) => database === null);
    return {
      data_checksums: parts.checksums[0]?.data_checksums ?? null,
      rows: shown.map((each) => row.parse(each)),
      truncated: all.length > limit,
      total: all.length,
      sessions: facts.major < 14 ? [] : shown.map((each) => sessions.parse(each)),
      facts,
      findings: [
        ...((shared?.checksum_failures ?? 0) > 0 ? judgeDamage(parts.totals[0]) : []),
        ...judgeCounters(all, thresholds, { service: facts.service, limits: parts.workerLimits[0] }),
      ],
      not_examined: [
        ...tellWithheld(withheld.get(databaseCounters.what) ?? 0, persona.name),
        ...unreadable,
        ...(facts.major < 14 ? [NO_SESSIONS] : []),
      ],
    };
  },
});

const NO_SESSIONS = {
  what: 'how sessions went',
  reason: 'PostgreSQL counts that from 14 on.',
};
