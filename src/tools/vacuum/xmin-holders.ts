import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  defineTool,
  param,
  quoteIdentifier,
  quoteLiteral,
  ofSome,
  readParts,
  secondsSince,
  sql,
  statementLength,
  statementsOf,
  tellWithheld,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import { holdersFrom, judgeHolder, type HorizonHolder } from './horizon-holders.ts';

const HOLDS = ['database', 'server', 'catalogs'] as const;

const xminHolders = definePart({
  what: 'what holds back the removal of dead rows',
  row: {
    kind: z.enum(['session', 'standby', 'slot', 'prepared_transaction']),
    name: z.string().meta({ names: 'text' }).describe('The pid, the application, the slot or the gid.'),
    xmin_age: z.int().describe('Transactions since: rows that were deleted in them stay.'),
    holds: z
      .enum(HOLDS)
      .describe('What VACUUM is held back in: its own database, all of them, or the system catalogs of all only.'),
    database: z.string().nullable().meta({ names: 'database' }),
    pid: z.int().nullable().describe('Of a standby and of the user of a slot, the WAL sender.'),
    user: z.string().nullable(),
    application: z.string().nullable().meta({ names: 'text' }),
    state: z.string().nullable(),
    since: z.iso.datetime().nullable().describe('At the latest; null where nobody knows.'),
    transaction_s: z.number().nullable().meta({ unit: 's' }),
    wait_event_type: z.string().nullable(),
    wait_event: z.string().nullable(),
    statement: z
      .string()
      .nullable()
      .meta({ names: 'statement' })
      .describe('The one that runs or, when idle, the last.'),
  },
  sql: byServerVersion({
    12: sql`
      select h.kind, h.name, h.xmin_age, h.holds, h.database, h.pid, h.user, h.application, h.state, h.since,
             ${secondsSince(sql`h.xact_start`)} as transaction_s, h.wait_event_type, h.wait_event, h.statement
        from ${holdersFrom}
       where h.xmin_age is not null
       order by ${closedLast(sql`h.database`)}, h.xmin_age desc, h.kind, h.name
       limit ${param('limit')}`,
  }),
});
type Holder = RowOf<typeof xminHolders>;

const feedback = definePart({
  what: 'whether a standby tells its primary what it needs',
  row: { hot_standby_feedback: z.boolean() },
  sql: byServerVersion({
    12: sql`select pg_catalog.current_setting('hot_standby_feedback')::boolean as hot_standby_feedback`,
  }),
});

const PARTS = { xminHolders, feedback };

export default defineTool({
  name: 'xmin_holders',
  area: 'vacuum',
  title: 'What holds back VACUUM',
  description: 'Sessions, standbys, slots and prepared transactions that keep dead rows alive.',
  clusterWide: true,
  input: {
    limit: z.int().min(1).max(500).default(20),
    statement_length: statementLength,
  },
  thresholds: {
    max_xmin_age: z.int().min(0).default(1_000_000).describe('Warn of what holds back more transactions than these.'),
  },
  output: { rows: z.array(xminHolders.shape), truncated: z.boolean() },
  sees: [{ what: 'transactions of other roles, and the standbys', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run({ limit, statement_length, max_xmin_age }, target, { persona, statementTexts }) {
    const { facts, parts, unreadable, withheld } = await readParts(
      target,
      PARTS,
      { limit: limit + 1 },
      { texts: statementTexts, length: statement_length },
    );
    const rows = parts.xminHolders.slice(0, limit);
    const truncated = parts.xminHolders.length > limit;
    const findings = facts.inRecovery ? [] : [...judgeEach(rows, max_xmin_age), ...judgeCatalogs(rows, max_xmin_age)];
    return {
      rows,
      truncated,
      facts,
      findings: truncated ? ofSome(findings) : findings,
      not_examined: [
        ...[...withheld.values()].flatMap((count) => tellWithheld(count, persona.name)),
        ...unreadable,
        ...onStandby(facts, parts.feedback[0]?.hot_standby_feedback === true),
      ],
    };
  },
});

/** The oldest in each database, as it is judged there; one that holds back all is said once. */
function judgeEach(rows: readonly Holder[], maxXminAge: number): Finding[] {
  const databases = new Set([
    null,
    ...rows.filter(({ holds }) => holds === 'database').map(({ database }) => database),
  ]);
  const findings = [...databases].flatMap((database) =>
    judgeHolder(
      rows.filter((row) => row.holds !== 'database' || row.database === database).map(asHolder),
      [],
      maxXminAge,
    ),
  );
  return [...new Map(findings.map((finding) => [finding.object, finding])).values()];
}

/** Catalogs bloat slowly; where tables come and go, they bloat all the same. */
function judgeCatalogs(rows: readonly Holder[], maxXminAge: number): Finding[] {
  const oldest = rows.find(({ holds, xmin_age }) => holds === 'catalogs' && xmin_age >= maxXminAge);
  if (!oldest) return [];
  const { name, database, state, xmin_age } = oldest;
  const slot = quoteLiteral(name);
  return [
    {
      severity: 'notice',
      claim: `The replication slot ${name} keeps VACUUM from removing rows of the system catalogs that were deleted in the last ${xmin_age} transactions.`,
      object: quoteIdentifier(name),
      evidence: { database, state, xmin_age },
      why: 'https://www.postgresql.org/docs/current/view-pg-replication-slots.html',
      next_step: `SELECT * FROM pg_replication_slots WHERE slot_name = ${slot}; -- it moves on when its subscriber does`,
    },
  ];
}

function asHolder({ kind, name, application, user, database, state, xmin_age, since, holds }: Holder): HorizonHolder {
  return { kind, name, application, user, database, state, xmin_age, since, catalogs_only: holds === 'catalogs' };
}

function onStandby({ inRecovery }: ConnectionFacts, isTold: boolean): NotExamined[] {
  if (!inRecovery) return [];
  return [
    {
      what: 'what holds back VACUUM, which only the primary does',
      reason: isTold
        ? 'This server is a standby, and hot_standby_feedback is on: the oldest of these holds back the primary too.'
        : 'This server is a standby, and hot_standby_feedback is off: these hold back nothing, and replay may cancel them.',
      remedy: 'Ask the primary.',
    },
  ];
}
