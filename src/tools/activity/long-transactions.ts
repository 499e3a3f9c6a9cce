import { z } from 'zod';
import { lockSessions } from '../locks/lock-session.ts';
import { defineTool, ofSome, readParts, statementLength, statementsOf, tellWithheld } from '../kit/index.ts';
import { judgePrepared } from '../server/replication.ts';
import { blocking, readQueues, type Queues } from './blocked-by-transaction.ts';
import { judgeActivity, notAsked } from './judge-activity.ts';
import { openTransactions, type OpenTransaction } from './open-transactions.ts';
import type { SessionRow } from './session-row.ts';
import { notTracked, tracking } from './tracking.ts';

const PARTS = { tracking, openTransactions };

const {
  statement_s: _running,
  query_id: _id,
  backend_start: _start,
  statement,
  ...shown
} = openTransactions.shape.shape;

const wanted = z.string().min(1).max(63).optional();

export default defineTool({
  name: 'long_transactions',
  area: 'activity',
  title: 'Long transactions',
  description: 'Transactions open for long, prepared ones too: locks, xmin age, whom they block, last statement.',
  clusterWide: true,
  // activity judges the same sessions, server_overview prepared transactions
  judges: false,
  seldom: ['of_database', 'user'],
  input: {
    min_age_s: z.int().min(0).default(60),
    of_database: wanted,
    user: wanted,
    statement_length: statementLength.default(120),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    // what PostgreSQL itself takes for long: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-DEADLOCK-TIMEOUT
    min_wait_s: z.number().min(0).default(1).describe('Blocking is urgent once somebody has waited for longer.'),
    idle_in_transaction_s: z.int().min(0).default(60).describe('Warn of transactions that have been idle for longer.'),
    long_transaction_s: z.int().min(0).default(600).describe('Warn of transactions that have been open for longer.'),
    max_xmin_age: z.int().min(0).default(1_000_000).describe('Warn of a snapshot that is older, in transactions.'),
  },
  output: {
    rows: z.array(z.object({ ...shown, ...blocking, statement })).describe('The oldest first.'),
    truncated: z.boolean(),
  },
  sees: [{ what: 'transactions of other roles', privilege: 'pg_read_all_stats' }],
  statements: statementsOf({ ...PARTS, lockSessions }),
  async run({ limit, statement_length, ...input }, target, { persona, statementTexts }) {
    const { min_age_s, of_database = null, user = null } = input;
    const values = { min_age_s, of_database, user, limit: limit + 1 };
    const masking = { texts: statementTexts, length: statement_length };
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, values, masking);
    const transactions = parts.openTransactions.slice(0, limit);
    const queues = await readQueues(target, input.min_wait_s);
    const calm = transactions.filter((transaction) => !queues.isUrgent(transaction));
    const findings = [
      ...queues.judge(transactions),
      ...judgeActivity(calm.flatMap(asSession), { input, about: queues.about }),
      ...judgePrepared(calm.flatMap(asPrepared), input.long_transaction_s),
    ];
    const truncated = parts.openTransactions.length > limit;
    return {
      rows: transactions.map((transaction) => rowOf(transaction, queues)),
      truncated,
      facts,
      findings: truncated ? ofSome(findings) : findings,
      not_examined: [
        ...tellWithheld(withheld.get(openTransactions.what) ?? 0, persona.name),
        ...unreadable,
        ...notAsked(queues.about),
        ...notTracked(parts.tracking[0], facts),
      ],
    };
  },
});

type Row = z.output<z.ZodObject<typeof shown & typeof blocking & { statement: typeof statement }>>;

function rowOf(transaction: OpenTransaction, queues: Queues): Row {
  const { statement_s: _statement, query_id: _query, backend_start: _backend, statement: text, ...row } = transaction;
  return { ...row, ...queues.behind(transaction), statement: text };
}

/** As the tool activity has it, which says the same of it; whom it blocks is said already. */
function asSession({
  gid,
  writes: _writes,
  locks: _locks,
  strongest_mode: _mode,
  strongest_on: _on,
  ...row
}: OpenTransaction): SessionRow[] {
  if (gid !== null) return [];
  return [{ ...row, blocked_by: null, waiting_behind: 0, longest_wait_s: null, wait_s: null, leader_pid: null }];
}

function asPrepared({
  gid,
  user,
  database,
  transaction_s,
  xmin_age,
}: OpenTransaction): Parameters<typeof judgePrepared>[0] {
  if (gid === null || user === null || database === null) return [];
  return [{ gid, owner: user, database, prepared_at: '', age_s: transaction_s, xmin_age: xmin_age ?? 0 }];
}
