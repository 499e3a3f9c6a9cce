import { z } from 'zod';
import { defineTool, readParts, statementsOf, tellWithheld, type NotExamined } from '../kit/index.ts';
import { judgeSubscriber } from './judge-subscriptions.ts';
import { subscriptionRows } from './subscription-row.ts';
import { subscriberLimits, subscriptionWorkers, tablesNotReady } from './subscription-workers.ts';

const PARTS = { subscriptionRows, subscriptionWorkers, tablesNotReady, subscriberLimits };

const subscription = subscriptionRows.shape.omit({ total_rows: true });

const NO_WORKERS: NotExamined = {
  what: 'workers, errors and lag of subscriptions',
  reason: 'This server is a standby: changes are applied on its primary only.',
  remedy: 'Ask the primary.',
};

export default defineTool({
  name: 'subscriptions',
  area: 'logical_replication',
  title: 'Subscriptions',
  description: 'Subscriptions: workers, lag, errors, conflicts, tables whose first copy is not done.',
  input: { limit: z.int().min(1).max(500).default(20) },
  thresholds: {
    max_lag_s: z.number().min(0).default(60).describe('Warn of subscriptions that are further behind.'),
  },
  output: {
    rows: z.array(subscription).describe('Those of the database that is asked first.'),
    truncated: z.boolean().describe('Whether a list was cut.'),
    total: z.int().min(0).optional(),
    workers: z.array(subscriptionWorkers.shape),
    tables: z
      .array(tablesNotReady.shape)
      .describe('Of the database that is asked, those whose first copy is not done.'),
    limits: subscriberLimits.shape.nullable(),
  },
  sees: [{ what: 'since when workers run, and what they wait for', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run({ limit, max_lag_s }, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit: limit + 1 });
    const rows = parts.subscriptionRows.slice(0, limit);
    const [limits] = parts.subscriberLimits;
    const [first] = rows;
    const { subscriptionWorkers: workers, tablesNotReady: tables } = parts;
    return {
      rows: rows.map((row) => subscription.parse(row)),
      truncated: [parts.subscriptionRows, workers, tables].some((list) => list.length > limit),
      // which would count what is withheld
      ...(!withheld.has(subscriptionRows.what) && { total: first?.total_rows ?? 0 }),
      workers: workers.slice(0, limit),
      tables: tables.slice(0, limit),
      limits: limits ?? null,
      facts,
      findings: judgeSubscriber(rows, {
        standby: facts.inRecovery,
        max_lag_s,
        wal_receiver_timeout_s: limits?.wal_receiver_timeout_s ?? 0,
      }),
      not_examined: [
        ...[...withheld].flatMap(([what, count]) => tellWithheld(count, persona.name, [what])),
        ...unreadable,
        ...(facts.inRecovery && rows.length > 0 ? [NO_WORKERS] : []),
      ],
    };
  },
});
