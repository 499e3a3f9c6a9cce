import { changeSettings, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { LockTable } from './lock-table.ts';

/** The next transaction that locks many tables may fail. */
const NEARLY_FULL_PERCENT = 90;
/** Fewer sessions that wait for the lock table itself are a coincidence. */
const CONTENDED = 3;

const MAX_LOCKS = 'https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION';

export function judgeLockTable(
  row: LockTable | undefined,
  maxPercent: number,
  service: ConnectionFacts['service'],
): Finding[] {
  if (!row) return [];
  return [...judgePlaces(row, maxPercent, service), ...judgeFastPath(row)];
}

function judgePlaces(row: LockTable, maxPercent: number, service: ConnectionFacts['service']): Finding[] {
  const { locked_objects, places, max_locks_per_transaction } = row;
  const percent = row.percent ?? 0;
  if (percent < maxPercent) return [];
  return [
    {
      severity: percent >= NEARLY_FULL_PERCENT ? 'critical' : 'warning',
      claim: `${Math.round(percent)} % of the lock table is taken; when it is full, statements fail for want of shared memory.`,
      object: '"max_locks_per_transaction"',
      evidence: { locked_objects, places, max_locks_per_transaction },
      why: MAX_LOCKS,
      next_step: [
        'SELECT pid, virtualtransaction, count(*) FROM pg_locks WHERE NOT fastpath GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10;',
        '-- when these need so many:',
        changeSettings(service, [
          {
            name: 'max_locks_per_transaction',
            value: String(2 * max_locks_per_transaction),
            restart: true,
            note: 'first on standbys',
          },
        ]),
      ].join('\n'),
    },
  ];
}

/** https://www.postgresql.org/docs/current/view-pg-locks.html: weak locks of relations take the fast path while it has room. */
function judgeFastPath({ lock_table_waiters, weak_locks, weak_lock_holders }: LockTable): Finding[] {
  if ((lock_table_waiters ?? 0) < CONTENDED || weak_locks === 0) return [];
  return [
    {
      severity: 'warning',
      claim: `${lock_table_waiters} sessions wait for the lock table itself: their statements lock more relations than the fast path holds.`,
      evidence: { lock_table_waiters, weak_locks, weak_lock_holders },
      why: 'https://www.postgresql.org/docs/current/view-pg-locks.html',
      next_step: [
        `SELECT relation::regclass, count(*) FROM pg_locks WHERE locktype = 'relation' AND NOT fastpath AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY 1 ORDER BY 2 DESC LIMIT 20;`,
        '-- partitions that a statement could leave out by the partition key, and indexes that nobody needs, are locked by each of them',
      ].join('\n'),
    },
  ];
}
