import { quoteLiteral } from '../kit/index.ts';
import type { SessionRow } from './session-row.ts';

/**
 * A statement can be cancelled; a session that runs none can only be ended. By the time that somebody does it, the pid
 * may be another session's. Processes of the server are not to be ended at all.
 */
export function endSession(row: Pick<SessionRow, 'pid' | 'backend_type' | 'backend_start' | 'state'>): string {
  const { pid, backend_type, backend_start, state } = row;
  const inspect = `SELECT * FROM pg_stat_activity WHERE pid = ${pid};`;
  if (backend_type !== 'client backend') return PROCESSES[backend_type ?? '']?.(pid) ?? inspect;
  if (state === null || backend_start === null) return inspect;
  const session = `FROM pg_stat_activity WHERE pid = ${pid} AND backend_start = ${quoteLiteral(backend_start)};`;
  if (state.startsWith('idle in transaction'))
    return `SELECT pg_terminate_backend(pid) ${session} -- its transaction is rolled back`;
  if (state === 'idle') return `SELECT pg_terminate_backend(pid) ${session} -- it holds advisory locks until it ends`;
  return `SELECT pg_cancel_backend(pid) ${session} -- its statement fails, its session stays`;
}

/** Of many sessions nobody ends one unseen. */
export function lookAt(rows: readonly Pick<SessionRow, 'pid'>[]): string {
  const pids = rows.slice(0, 10).map(({ pid }) => pid);
  return `SELECT pid, usename, datname, application_name, state, xact_start, query FROM pg_stat_activity WHERE pid IN (${pids.join(', ')}) ORDER BY xact_start;`;
}

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW */
const PROCESSES: Readonly<Record<string, (pid: number) => string>> = {
  'autovacuum worker': (pid) =>
    `-- VACUUM gives way unless it is to prevent wraparound, and then it must finish; who asks for a lock that conflicts:\nSELECT pid, usename, query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND ${pid} = ANY (pg_blocking_pids(pid));`,
  startup: () =>
    `-- it replays what a transaction locked on the primary, and goes on when that transaction ends; there:\nSELECT pid, relation::regclass FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted;`,
  walsender: (pid) => `SELECT * FROM pg_stat_replication WHERE pid = ${pid};`,
};
