import { z } from 'zod';
import {
  definePart,
  defineTool,
  nameInput,
  pause,
  readParts,
  schemaInput,
  statementsOf,
  tellWithheld,
  byServerVersion,
  sql,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import { judgeWraparound } from '../server/databases.ts';
import { agedDatabases, agedTables } from './aged.ts';
import { assess, USUAL_LIMITS } from './assess.ts';
import { autovacuumSettings } from './autovacuum-settings.ts';
import { consumption, daysLeft, idsNow, measureRate } from './consumption.ts';
import { dueTables } from './due-table.ts';
import { horizonHolders, judgeHolder } from './horizon-holders.ts';
import { judgeTemporary } from './judge-aged.ts';
import { judgeAges } from './judge-due.ts';

const limits = definePart({
  what: 'ages at which VACUUM is forced',
  row: {
    autovacuum_freeze_max_age: z.int(),
    autovacuum_multixact_freeze_max_age: z.int(),
    vacuum_failsafe_age: z
      .int()
      .nullable()
      .describe('Where VACUUM drops all else to be done in time; PostgreSQL 14 on.'),
    vacuum_multixact_failsafe_age: z.int().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint as autovacuum_freeze_max_age,
             pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::bigint as autovacuum_multixact_freeze_max_age,
             pg_catalog.current_setting('vacuum_failsafe_age', true)::bigint as vacuum_failsafe_age,
             pg_catalog.current_setting('vacuum_multixact_failsafe_age', true)::bigint as vacuum_multixact_failsafe_age`,
  }),
});

const JUDGED = { autovacuumSettings, dueTables, horizonHolders };
const PARTS = { limits, consumption, agedDatabases, agedTables, ...JUDGED };

const database = agedDatabases.shape.extend({
  days_left: z
    .number()
    .min(0)
    .nullable()
    .describe('Until writes stop if nothing were frozen and ids were used up at this rate; null where none is known.'),
});

const row = agedTables.shape.omit({ total_rows: true });

export default defineTool({
  name: 'wraparound',
  area: 'vacuum',
  title: 'Wraparound',
  description: 'Age of transaction and multixact ids, and what is left of them.',
  input: {
    schema: schemaInput,
    name: nameInput,
    watch_s: z.int().min(0).max(300).default(0).describe('Measure how fast ids are used up for so long.'),
    limit: z.int().min(1).max(500).default(20),
  },
  seldom: ['watch_s'],
  thresholds: {
    max_wraparound_percent: z.number().min(0).max(100).default(50).describe('Warn when more ids are used up.'),
    max_xmin_age: z.int().min(0).default(1_000_000).describe('Warn of what holds back more transactions than these.'),
  },
  output: {
    limits: limits.shape.nullable(),
    consumption: z
      .object({
        xids_per_s: z.number().min(0),
        mxids_per_s: z.number().min(0),
        measured_s: z.number().meta({ unit: 's' }).describe('Since the last checkpoint, or as long as was watched.'),
      })
      .nullable()
      .describe('Null within a minute of the last checkpoint.'),
    databases: z.array(database).describe('The one closest to the end of its ids first.'),
    rows: z
      .array(agedTables.shape.omit({ total_rows: true }))
      .describe('Tables of this database, likewise; the catalogs count, too.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    holders: z.array(horizonHolders.shape).describe('What VACUUM cannot freeze beyond in this database.'),
  },
  sees: [{ what: 'transactions of other roles that hold back freezing', privilege: 'pg_read_all_stats' }],
  statements: statementsOf({ ...PARTS, idsNow }),
  async run(input, target, context) {
    const { schema = null, name = null, limit, watch_s } = input;
    const { overdue_percent } = USUAL_LIMITS;
    const values = { schema, name, due_only: true, aged_only: true, overdue_percent, limit: limit + 1 };
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, values);
    const rate = await measureRate(parts.consumption[0], watch_s, async () => {
      // what is measured says for how long; the answer needs some time, too
      await pause(context, Math.max(Math.min(watch_s * 1000, context.deadline.remainingMs() - 1000), 0));
      return (await readParts(target, { idsNow }, {})).parts.idsNow[0];
    });
    const [settings] = parts.autovacuumSettings;
    const holders = parts.horizonHolders;
    const { inRecovery } = facts;
    const { rows: judged, suspects } = assess(
      parts.dueTables.slice(0, limit),
      { settings, holders, inRecovery },
      USUAL_LIMITS,
    );
    const tables = parts.agedTables.slice(0, limit);
    const findings: Finding[] = [
      ...judgeWraparound(parts.agedDatabases, input.max_wraparound_percent),
      ...judgeAges(judged),
      ...judgeTemporary(tables, facts),
      ...(inRecovery ? [] : judgeHolder(holders, suspects, input.max_xmin_age)),
    ];
    return {
      limits: parts.limits[0] ?? null,
      consumption: rate ?? null,
      databases: parts.agedDatabases.slice(0, limit).map((each) => ({ ...each, days_left: daysLeft(each, rate) })),
      rows: tables.map((each) => row.parse(each)),
      truncated: parts.agedTables.length > limit || parts.agedDatabases.length > limit,
      total: parts.agedTables[0]?.total_rows ?? 0,
      holders: [...holders],
      facts,
      findings,
      not_examined: [
        ...[...withheld].flatMap(([what, count]) => tellWithheld(count, context.persona.name, [what])),
        ...unreadable,
        ...(inRecovery ? [FROZEN_ON_PRIMARY] : []),
      ],
    };
  },
});

const FROZEN_ON_PRIMARY: NotExamined = {
  what: 'last vacuum, and what holds back freezing',
  reason:
    'This server is a standby: only its primary freezes. Ages are true here, limits are by the settings of this server.',
  remedy: 'Ask the primary.',
};
