import { endSession } from '../activity/ending.ts';
import { gather, quoteIdentifier, quoteLiteral, type Finding } from '../kit/index.ts';
import type { TreeRow, Trees } from './tree-row.ts';

/** A root with this many behind it stops an application rather than a user. */
const MANY_BEHIND = 5;

/** Of the rows that the caller may see; `min_wait_s` tells a queue that moves from one that does not. */
export function judgeBlocking({ rows, rings }: Trees, min_wait_s: number): Finding[] {
  const roots = rows.filter(
    ({ depth, lock_type, waiting_behind }) => depth === 0 && lock_type === null && waiting_behind > 0,
  );
  const first = new Map(
    rows
      .filter(({ depth }) => depth === 1)
      .toReversed()
      .map((row) => [row.path[0], row]),
  );
  return [
    ...gather(
      roots.map((root) => judgeRoot(root, first.get(root.pid), min_wait_s)),
      (count) => `${count} sessions block others and wait for nobody.`,
    ),
    ...rings.filter((ring) => ring.length > 1).map(judgeRing),
  ];
}

/** Worded as the tool activity does, so that a report of both says it once. */
function judgeRoot(root: TreeRow, first: TreeRow | undefined, minWaitS: number): Finding {
  const { pid, gid, waiting_behind } = root;
  const blocks = `blocks ${waiting_behind} ${waiting_behind === 1 ? 'session' : 'sessions'}`;
  const prepared = pid === 0;
  return {
    severity: severityOf(root, minWaitS),
    claim: prepared ? `A prepared transaction ${blocks}.` : `Session ${pid} ${blocks}${whatItIs(root)}.`,
    ...(prepared ? gid !== null && { object: gid } : { object: `pid ${pid}` }),
    evidence: evidenceOf(root, first),
    why: prepared
      ? 'https://www.postgresql.org/docs/current/sql-prepare-transaction.html'
      : 'https://www.postgresql.org/docs/current/explicit-locking.html',
    next_step: prepared ? endPrepared(root) : endSession(root),
  };
}

/** Nothing but its client ends a transaction without work, so its queue does not move by itself. */
function severityOf({ waiting_behind, longest_wait_s, state, pid }: TreeRow, minWaitS: number): Finding['severity'] {
  if (longest_wait_s === null) return 'warning';
  if (longest_wait_s < minWaitS) return 'notice';
  const idle = pid === 0 || state?.startsWith('idle in transaction') === true;
  return idle || waiting_behind >= MANY_BEHIND ? 'critical' : 'warning';
}

function whatItIs({ backend_type, state }: TreeRow): string {
  if (backend_type !== 'client backend' && backend_type !== null) return `; it is of the type ${backend_type}`;
  return state === null ? '' : `; it is ${state}`;
}

function endPrepared({ gid, database }: TreeRow): string {
  if (gid === null) return 'SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared;';
  const where = database === null ? 'its database' : `database ${quoteIdentifier(database)}`;
  return `ROLLBACK PREPARED ${quoteLiteral(gid)}; -- in ${where}, when its transaction manager has forgotten it`;
}

function judgeRing(ring: readonly TreeRow[]): Finding {
  const pids = ring.map(({ pid }) => pid);
  return {
    severity: 'warning',
    claim: `${ring.length} sessions wait for each other: PostgreSQL ends the statement of one of them.`,
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

function evidenceOf(root: TreeRow, first: TreeRow | undefined): Finding['evidence'] {
  const { user, database, state, transaction_s, state_s, waiting_behind, longest_wait_s } = root;
  const wanted = first === undefined ? null : [first.lock_mode, first.relation ?? first.lock_type].join(' ');
  return { user, database, state, transaction_s, state_s, waiting_behind, longest_wait_s, wanted };
}
