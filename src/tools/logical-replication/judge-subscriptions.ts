import { comment, gather, quoteIdentifier, quoteLiteral, type Finding } from '../kit/index.ts';
import { judgeSubscriptions } from '../replication/judge-replication.ts';
import type { SubscriptionRow } from './subscription-row.ts';

/** A worker that fails is started again after wal_retrieve_retry_interval, 5 s by default; this is several times as long. */
const SETTLED_S = 60;

const DOCS = 'https://www.postgresql.org/docs/current';

interface Circumstances {
  readonly standby: boolean;
  readonly max_lag_s: number;
  /** Zero where it is off, and silence says nothing. */
  readonly wal_receiver_timeout_s: number;
}

export function judgeSubscriber(rows: readonly SubscriptionRow[], here: Circumstances): Finding[] {
  // workers run on a primary only
  if (here.standby) return [];
  return [
    ...judgeSubscriptions(rows, false),
    ...gather(rows.flatMap(judgeCopies), (count) => `Tables of ${count} subscriptions wait for their first copy.`),
    ...gather(
      rows.flatMap((row) => judgeLag(row, here)),
      (count) => `${count} subscriptions are behind their publishers.`,
    ),
    ...gather(rows.flatMap(judgeConflicts), (count) => `${count} subscriptions differ from their publishers.`),
  ];
}

/** A table is copied by a worker of its own, which takes turns where there are many tables. */
function judgeCopies(row: SubscriptionRow): Finding[] {
  const { subscription, database, enabled, pid, worker_s, sync_workers, tables, tables_not_ready, sync_errors } = row;
  if (!enabled || pid === null || (tables_not_ready ?? 0) === 0) return [];
  if ((sync_workers ?? 0) > 0 || (worker_s ?? 0) < SETTLED_S) return [];
  const object = quoteIdentifier(subscription);
  return [
    {
      severity: 'warning',
      claim: `${tables_not_ready} of ${tables} tables of the subscription ${object} wait for their first copy, and no worker copies any.`,
      object,
      evidence: { database, tables, tables_not_ready, sync_workers, sync_errors, worker_s },
      why: `${DOCS}/logical-replication-architecture.html#LOGICAL-REPLICATION-SNAPSHOT`,
      next_step: [
        `SELECT r.srrelid::regclass, r.srsubstate FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE s.subname = ${quoteLiteral(subscription)} AND r.srsubstate <> 'r';`,
        '-- the log of this server says why the copies fail: rows that are there already, a column that is missing, no free slot on the publisher',
      ].join('\n'),
    },
  ];
}

/** While nothing is written, the publisher is asked for a message after half of wal_receiver_timeout. */
function judgeLag(row: SubscriptionRow, { max_lag_s, wal_receiver_timeout_s }: Circumstances): Finding[] {
  const { subscription, database, pid, message_age_s, silence_s, received_lsn } = row;
  if (pid === null || message_age_s === null || wal_receiver_timeout_s === 0) return [];
  if (message_age_s <= Math.max(max_lag_s, wal_receiver_timeout_s)) return [];
  const object = quoteIdentifier(subscription);
  return [
    {
      severity: 'warning',
      claim: `The subscription ${object} is at what its publisher sent ${Math.round(message_age_s)} s ago.`,
      object,
      evidence: { database, message_age_s, silence_s, received_lsn, pid },
      why: `${DOCS}/logical-replication-monitoring.html`,
      next_step: [
        `SELECT pid, wait_event_type, wait_event, state, pg_blocking_pids(pid) FROM pg_stat_activity WHERE pid = ${pid};`,
        comment('a lock that a session here holds, a large transaction, or a table without an index for its changes'),
      ].join('\n'),
    },
  ];
}

/** Changes of rows that are not there are left out, and said in the log only. */
function judgeConflicts({ subscription, database, conflicts, counted_since }: SubscriptionRow): Finding[] {
  const missing = (conflicts?.['update_missing'] ?? 0) + (conflicts?.['delete_missing'] ?? 0);
  if (missing === 0) return [];
  const object = quoteIdentifier(subscription);
  return [
    {
      severity: 'notice',
      claim: `${missing} ${missing === 1 ? 'change' : 'changes'} of the subscription ${object} had no row to change here, so that the tables differ.`,
      object,
      evidence: { database, ...conflicts, counted_since },
      why: `${DOCS}/logical-replication-conflicts.html`,
      next_step: '-- the log of this server names the tables and keys: compare these with the publisher',
    },
  ];
}
