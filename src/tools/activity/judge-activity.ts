import { endPrepared, gather, type Finding, type NotExamined } from '../kit/index.ts';
import { blockerSeverity, whomItBlocks } from './blocker.ts';
import { endSession, lookAt } from './ending.ts';
import { judgeLong } from './judge-long.ts';
import type { AboutWaiters, SessionRow } from './session-row.ts';

/** So many transactions without work at once are a leak in an application, however young they are. */
const MANY_IDLE_IN_TRANSACTION = 10;

interface Thresholds {
  readonly min_wait_s: number;
  readonly idle_in_transaction_s: number;
  readonly long_transaction_s: number;
  readonly max_xmin_age: number;
}

/** Each session is reported once, for the worst that it does. */
export function judgeActivity(
  rows: readonly SessionRow[],
  { input, about }: { readonly input: Thresholds; readonly about: AboutWaiters | null },
): Finding[] {
  const roots = rows.filter(isRootBlocker);
  const urgent = roots.filter((row) => blockerSeverity(row, input.min_wait_s) !== 'notice');
  const idle = rows.filter(
    (row) => !urgent.includes(row) && isIdleInTransaction(row) && (row.state_s ?? 0) > input.idle_in_transaction_s,
  );
  const long = rows.filter(
    (row) =>
      !urgent.includes(row) &&
      !idle.includes(row) &&
      isClient(row) &&
      (row.transaction_s ?? 0) > input.long_transaction_s,
  );
  const brief = roots.filter((row) => ![urgent, idle, long].some((others) => others.includes(row)));
  const reported = new Set([...urgent, ...brief, ...idle, ...long]);
  const judge = (row: SessionRow): Finding => ({
    severity: blockerSeverity(row, input.min_wait_s),
    ...describeBlocker(row, about),
    next_step: unblock(row, rows),
  });
  return [
    ...gather(urgent.map(judge), (count) => `${count} sessions block others and wait for nobody.`, lookAt(urgent)),
    ...gather(brief.map(judge), (count) => `${count} sessions block others, who have not waited long.`, lookAt(brief)),
    ...gather(idle.map(judgeIdle), (count) => `${count} transactions are open without work.`, lookAt(idle)),
    ...gather(
      long.map((row) => judgeLong(row, evidenceOf(row))),
      (count) => `${count} transactions have been open for long.`,
      lookAt(long),
    ),
    ...judgeHorizon(
      rows.filter((row) => !reported.has(row)),
      input.max_xmin_age,
    ),
    ...judgeLeak(rows),
  ];
}

function isRootBlocker({ waiting_behind, blocked_by }: SessionRow): boolean {
  return waiting_behind > 0 && blocked_by === null;
}

function isIdleInTransaction({ state }: SessionRow): boolean {
  return state?.startsWith('idle in transaction') === true;
}

function isClient({ backend_type }: SessionRow): boolean {
  return backend_type === 'client backend';
}

/** https://www.postgresql.org/docs/current/functions-info.html: pg_blocking_pids names a prepared transaction as 0. */
function describeBlocker(row: SessionRow, about: AboutWaiters | null): Omit<Finding, 'severity' | 'next_step'> {
  const { pid } = row;
  const blocks = whomItBlocks(row, about);
  return {
    claim: pid === 0 ? `A prepared transaction ${blocks}.` : `Session ${pid} ${blocks}${whatItIs(row)}.`,
    ...(pid !== 0 && { object: `pid ${pid}` }),
    evidence: evidenceOf(row),
    why:
      pid === 0
        ? 'https://www.postgresql.org/docs/current/sql-prepare-transaction.html'
        : 'https://www.postgresql.org/docs/current/explicit-locking.html',
  };
}

/** Where all others may wait for one that waits, as for an ALTER TABLE behind a report, it may be the one to cancel. */
function unblock(root: SessionRow, rows: readonly SessionRow[]): string {
  if (root.pid === 0) return endPrepared(null);
  const [first, ...others] = rows.filter(({ blocked_by }) => blocked_by?.includes(root.pid) === true);
  if (root.state !== 'active' || !first || others.length > 0 || root.waiting_behind === 1) return endSession(root);
  return `-- blocking_tree tells whether the others only queue behind session ${first.pid}: then that one is to be cancelled\n${lookAt([root, first])}`;
}

function whatItIs(row: SessionRow): string {
  if (!isClient(row) && row.backend_type !== null) return `; it is of the type ${row.backend_type}`;
  return row.state === null ? '' : `; it is ${row.state}`;
}

function judgeIdle(row: SessionRow): Finding {
  const { pid, state_s } = row;
  return {
    severity: 'warning',
    claim: `Session ${pid} keeps a transaction open and has been idle for ${Math.round(state_s ?? 0)} s.`,
    object: `pid ${pid}`,
    evidence: evidenceOf(row),
    why: 'https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT',
    next_step: endSession(row),
  };
}

function judgeHorizon(rows: readonly SessionRow[], maxXminAge: number): Finding[] {
  const [oldest] = rows.toSorted((a, b) => (b.xmin_age ?? 0) - (a.xmin_age ?? 0));
  if (!oldest || (oldest.xmin_age ?? 0) <= maxXminAge) return [];
  return [
    {
      severity: 'warning',
      claim: `Session ${oldest.pid} keeps VACUUM from removing what the last ${oldest.xmin_age} transactions deleted.`,
      object: `pid ${oldest.pid}`,
      evidence: evidenceOf(oldest),
      why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY',
    },
  ];
}

function judgeLeak(rows: readonly SessionRow[]): Finding[] {
  const idle = rows.filter(isIdleInTransaction);
  if (idle.length < MANY_IDLE_IN_TRANSACTION) return [];
  return [
    {
      severity: 'warning',
      claim: `${idle.length} sessions are idle in a transaction at once.`,
      evidence: { sessions: idle.length, oldest_s: Math.max(...idle.map(({ state_s }) => state_s ?? 0)) },
      why: 'https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT',
      next_step: 'SHOW idle_in_transaction_session_timeout;',
    },
  ];
}

function evidenceOf({
  user,
  database,
  state,
  transaction_s,
  state_s,
  waiting_behind,
  longest_wait_s,
  xmin_age,
}: SessionRow): Finding['evidence'] {
  return { user, database, state, transaction_s, state_s, waiting_behind, longest_wait_s, xmin_age };
}

/** Asking all would take longer with the square of their number, in an incident, and hold up the locks of everybody. */
export function notAsked(about: AboutWaiters | null): NotExamined[] {
  const left = about ? about.waiters - about.waiters_asked : 0;
  if (!about || left === 0) return [];
  return [
    {
      what: `who blocks ${left} of the ${about.waiters} sessions that wait for a lock`,
      reason: `The ${about.waiters_asked} that have waited longest are asked.`,
    },
  ];
}
