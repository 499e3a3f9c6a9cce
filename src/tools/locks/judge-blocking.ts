import { blockerSeverity, whomItBlocks } from '../activity/blocker.ts';
import { endSession, lookAt } from '../activity/ending.ts';
import type { AboutWaiters } from '../activity/session-row.ts';
import { endPrepared, gather, type Finding } from '../kit/index.ts';
import { BLOCKERS_KNOWN } from './lock-session.ts';
import type { TreeRow, Trees } from './tree-row.ts';

/** `min_wait_s` tells a queue that moves from one that does not. */
export interface Blocking extends Trees {
  readonly about: AboutWaiters;
  readonly min_wait_s: number;
}

/** Of the rows that the caller may see. */
export function judgeBlocking({ rows, rings, about, min_wait_s }: Blocking): Finding[] {
  const roots = rows.filter(
    ({ depth, lock_type, waiting_behind }) => depth === 0 && lock_type === null && waiting_behind > 0,
  );
  const least = isPartial(rows, about) ? 'At least ' : '';
  return [
    ...gather(
      roots.map((root) => ({
        severity: blockerSeverity(root, min_wait_s),
        ...judgeRoot(root, rows, about),
      })),
      (count) => `${least}${count} sessions block others and wait for nobody.`,
      roots.every(({ pid }) => pid === 0) ? endPrepared(null) : lookAt(roots.filter(({ pid }) => pid !== 0)),
    ),
    ...rings.filter((ring) => ring.length > 1).map(judgeRing),
  ];
}

/** Whether there are waiters or blockers that nobody asked for. */
export function isPartial(rows: readonly TreeRow[], { waiters, waiters_asked }: AboutWaiters): boolean {
  return waiters_asked < waiters || rows.some(({ blockers }) => blockers >= BLOCKERS_KNOWN);
}

/** Worded as the tool activity does, so that a report of both says it once. */
function judgeRoot(root: TreeRow, rows: readonly TreeRow[], about: AboutWaiters): Omit<Finding, 'severity'> {
  const { pid, gid } = root;
  const blocks = whomItBlocks(root, about);
  const prepared = pid === 0;
  const gate = gateBehind(root, rows);
  const queue = gate === undefined ? '' : ` All but session ${gate.pid} only queue behind that one.`;
  return {
    claim: prepared ? `A prepared transaction ${blocks}.` : `Session ${pid} ${blocks}${whatItIs(root)}.${queue}`,
    ...(prepared ? gid !== null && { object: gid } : { object: `pid ${pid}` }),
    evidence: evidenceOf(root, firstBehind(root, rows)),
    why: prepared
      ? 'https://www.postgresql.org/docs/current/sql-prepare-transaction.html'
      : 'https://www.postgresql.org/docs/current/explicit-locking.html',
    next_step: prepared ? endPrepared(gid) : gate === undefined ? endSession(root) : openGate(gate),
  };
}

/**
 * The one waiter for whom all others wait, though it does not yet hold what they want, as an ALTER TABLE behind a report:
 * without it they would go on beside the root, which works.
 */
function gateBehind(root: TreeRow, rows: readonly TreeRow[]): TreeRow | undefined {
  const [gate, ...others] = rows.filter(({ blocked_by }) => blocked_by.includes(root.pid));
  if (!gate || others.length > 0 || gate.waiting_behind === 0) return undefined;
  const all = gate.waiting_behind === root.waiting_behind - 1;
  const works = root.state === 'active' && gate.state === 'active' && gate.backend_type === 'client backend';
  return all && works && !rows.some(({ blocked_by }) => blocked_by.includes(gate.pid)) ? gate : undefined;
}

function openGate(gate: TreeRow): string {
  return `${endSession(gate)}\n-- it can be repeated with lock_timeout set, so that nobody queues behind it for long`;
}

function whatItIs({ backend_type, state }: TreeRow): string {
  if (backend_type !== 'client backend' && backend_type !== null) return `; it is of the type ${backend_type}`;
  return state === null ? '' : `; it is ${state}`;
}

function judgeRing(ring: readonly TreeRow[]): Finding {
  const pids = ring.map(({ pid }) => pid);
  return {
    severity: 'warning',
    claim: `${ring.length} sessions wait for each other: PostgreSQL rolls back the transaction of one of them.`,
    object: `pids ${pids.join(', ')}`,
    evidence: {
      locks: ring
        .map(({ pid, lock_mode, lock_type, relation }) => `${pid}: ${[lock_mode, relation ?? lock_type].join(' ')}`)
        .join('; '),
      longest_wait_s: Math.max(...ring.map(({ wait_s }) => wait_s ?? 0)),
    },
    why: 'https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS',
    next_step: 'SHOW deadlock_timeout; -- it looks after so long; transactions that lock in one order never meet so',
  };
}

/** It stands next to its root, unless that is the second of its blockers. */
function firstBehind(root: TreeRow, rows: readonly TreeRow[]): TreeRow | undefined {
  const next = rows[rows.indexOf(root) + 1];
  return next?.depth === 1 ? next : rows.find(({ blocked_by }) => blocked_by.includes(root.pid));
}

function evidenceOf(root: TreeRow, first: TreeRow | undefined): Finding['evidence'] {
  const { user, database, state, transaction_s, state_s, waiting_behind, longest_wait_s } = root;
  const wanted = first === undefined ? null : [first.lock_mode, first.relation ?? first.lock_type].join(' ');
  return { user, database, state, transaction_s, state_s, waiting_behind, longest_wait_s, wanted };
}
