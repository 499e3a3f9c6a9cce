import { z } from 'zod';
import { notAsked } from '../activity/judge-activity.ts';
import { STATES } from '../activity/session-row.ts';
import {
  defineTool,
  nameInput,
  readParts,
  schemaInput,
  statementLength,
  statementsOf,
  tellWithheld,
} from '../kit/index.ts';
import { judgeBlocking } from './judge-blocking.ts';
import { judgeLockTable } from './judge-locks.ts';
import { LOCK_TYPES } from './lock-conflicts.ts';
import { ANY_MODE, lockRows, type LockRow } from './lock-row.ts';
import { lockSessions, type LockSession } from './lock-session.ts';
import { lockCounts, lockTable } from './lock-table.ts';
import { visibleTrees } from './visible-trees.ts';

const PARTS = { lockRows, lockCounts, lockTable };

/** An ALTER TABLE may have everybody who reads the table in its way. */
const BLOCKERS_NAMED = 10;

const wanted = z.string().min(1).max(63).optional();
const { leader: _leader, total_rows: _total, statement, ...shown } = lockRows.shape.shape;
const row = z.object({
  ...shown,
  blocked_by: z
    .array(z.int())
    .nullable()
    .describe('The first of those it waits for; empty when too many wait to ask for each.'),
  statement,
});

export default defineTool({
  name: 'locks',
  area: 'locks',
  title: 'Locks',
  description: 'Locks held and awaited: on what, by whom, blocked by whom; how full the lock table is.',
  alsoKnownAs: { get_lock_monitoring: { database_name: 'database', username: 'user' } },
  clusterWide: false,
  seldom: ['schema', 'locktype', 'mode', 'state', 'user', 'of_database'],
  input: {
    granted: z.preprocess(
      (given) => (typeof given === 'boolean' ? String(given) : given),
      z.enum(['true', 'false']).optional(),
    ),
    schema: schemaInput,
    name: nameInput,
    locktype: z.enum(LOCK_TYPES).optional(),
    mode: z.enum(ANY_MODE).optional(),
    of_database: wanted.describe('Of sessions in this database.'),
    user: wanted,
    state: z.enum(STATES).optional(),
    statement_length: statementLength.default(80),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    // what PostgreSQL itself takes for long: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-DEADLOCK-TIMEOUT
    min_wait_s: z.number().min(0).default(1).describe('Blocking is urgent once somebody has waited for longer.'),
    max_lock_table_percent: z
      .number()
      .min(0)
      .max(100)
      .default(70)
      .describe('Warn when more of the lock table is taken.'),
  },
  output: {
    lock_table: lockTable.shape.nullable(),
    counts: z.array(lockCounts.shape).describe('Of all locks of the server.'),
    rows: z.array(row).describe('Those that somebody waits for first, then the strongest.'),
    truncated: z.boolean(),
    total: z.int().min(0).optional(),
  },
  sees: [{ what: 'states, times and statements of other roles’ sessions', privilege: 'pg_read_all_stats' }],
  statements: statementsOf({ ...PARTS, lockSessions }),
  async run({ limit, statement_length, min_wait_s, max_lock_table_percent, ...filter }, target, context) {
    const values = { ...valuesOf(filter), limit: limit + 1 };
    const masking = { texts: context.statementTexts, length: statement_length };
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, values, masking);
    const hidden = withheld.get(lockRows.what) ?? 0;
    const isWaitedFor = parts.lockCounts.some(({ waiting }) => waiting > 0);
    const sessions = isWaitedFor ? await target.readOnly((session) => lockSessions.read(session, {})) : [];
    const trees = visibleTrees(sessions, (database) => target.mayShow(database));
    return {
      lock_table: parts.lockTable[0] ?? null,
      counts: [...parts.lockCounts],
      rows: parts.lockRows.slice(0, limit).map((lock) => withBlockers(lock, sessions)),
      truncated: parts.lockRows.length > limit,
      ...(hidden === 0 && { total: parts.lockRows[0]?.total_rows ?? 0 }),
      facts,
      findings: [
        ...judgeLockTable(parts.lockTable[0], max_lock_table_percent, facts.service),
        ...judgeBlocking({ ...trees, min_wait_s }),
      ],
      not_examined: [...tellWithheld(hidden, context.persona.name), ...unreadable, ...notAsked(trees.about)],
    };
  },
});

const FILTERS = ['granted', 'schema', 'name', 'locktype', 'mode', 'of_database', 'user', 'state'] as const;

function valuesOf(
  filter: Readonly<Partial<Record<(typeof FILTERS)[number], string | undefined>>>,
): Record<string, string | null> {
  return Object.fromEntries(FILTERS.map((name) => [name, filter[name] ?? null]));
}

function withBlockers(
  { leader, total_rows: _all, statement: text, ...lock }: LockRow,
  sessions: readonly LockSession[],
): z.output<typeof row> {
  const waiter = lock.granted ? undefined : sessions.find(({ pid }) => pid === leader);
  const blocked_by = waiter?.blockers.slice(0, BLOCKERS_NAMED).map(({ pid }) => pid) ?? null;
  return { ...lock, blocked_by, statement: text };
}
