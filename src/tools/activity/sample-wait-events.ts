import { z } from 'zod';
import {
  cutStatement,
  defineTool,
  statementLength,
  statementsOf,
  tellWithheld,
  type NotExamined,
} from '../kit/index.ts';
import { judgeWaits } from './judge-waits.ts';
import { sampleWaits, type SampledWaits } from './sample-waits.ts';
import { notTracked, tracking } from './tracking.ts';
import { waitProfile } from './wait-profile.ts';
import { waitSample } from './wait-sample.ts';

const percent = z.number().min(0).max(100);

export default defineTool({
  name: 'sample_wait_events',
  area: 'activity',
  title: 'Wait event sampling',
  description: 'Samples what sessions wait for: share of each event, database and statement; average active sessions.',
  clusterWide: true,
  judges: false,
  waitsS: ({ seconds }) => Number(seconds),
  cost: 'Reads pg_stat_activity every interval_ms, five times a second if that is left out, in a transaction each.',
  seldom: ['interval_ms'],
  input: {
    seconds: z.number().min(0.5).max(60).default(5),
    interval_ms: z.int().min(20).max(10_000).default(200),
    statement_length: statementLength,
    limit: z.int().min(1).max(100).default(10),
  },
  thresholds: {
    dominating_percent: percent.default(30).describe('Report waits of a type with this share of all work.'),
    hot_percent: percent.default(10).describe('The same of single events that say what is scarce.'),
    min_average: z.number().min(0).default(1).describe('Report only what as many sessions waited for on average.'),
  },
  output: {
    seconds: z.number().min(0).meta({ unit: 's' }).describe('From the first to the last sample.'),
    samples: z.int().min(0),
    ...waitProfile,
  },
  sees: [{ what: 'what other roles’ sessions wait for', privilege: 'pg_read_all_stats' }],
  statements: statementsOf({ tracking, waitSample }),
  async run({ seconds, interval_ms, statement_length, limit, ...thresholds }, target, context) {
    const [tracked] = await target.readOnly((session) => tracking.read(session, {}), { single: true });
    const sampled = await sampleWaits(target, context, { seconds, intervalMs: interval_ms });
    const profile = sampled.tally.profile(limit);
    return {
      seconds: Math.round(sampled.tookMs) / 1000,
      samples: sampled.tally.samples,
      ...profile,
      statements: profile.statements.map(({ statement, ...row }) => ({
        ...row,
        statement: cutStatement(statement, statement_length),
      })),
      facts: sampled.facts,
      findings: judgeWaits(sampled.tally.profile(Infinity), thresholds),
      not_examined: [
        ...tellWithheld(sampled.withheld, context.persona.name, ['the samples']),
        ...cutShort(sampled, seconds),
        ...notTracked(tracked, sampled.facts),
      ],
    };
  },
});

function cutShort({ cutShort: isShort, tookMs }: SampledWaits, asked: number): NotExamined[] {
  if (!isShort) return [];
  return [
    {
      what: `${Math.round(asked - tookMs / 1000)} of the ${asked} s that were asked for`,
      reason: 'The call may not take so long.',
      remedy: 'An administrator can raise statement_timeout in the limits of the persona.',
    },
  ];
}
