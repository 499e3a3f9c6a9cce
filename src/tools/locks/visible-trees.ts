import type { AboutWaiters } from '../activity/session-row.ts';
import { withoutOtherDatabases } from '../kit/index.ts';
import { lockSessions, type LockSession } from './lock-session.ts';
import { arrangeTrees, type TreeRow, type Trees } from './tree-row.ts';

/** Trees without the sessions of databases that the caller may not reach, which were there when they were arranged. */
export interface VisibleTrees extends Trees {
  readonly about: AboutWaiters;
  /** How many sessions are left out. */
  readonly withheld: number;
}

/** `choose` leaves out whole trees. */
export function visibleTrees(
  sessions: readonly LockSession[],
  mayShow: (database: string) => boolean,
  choose: (rows: readonly TreeRow[]) => TreeRow[] = (rows) => [...rows],
): VisibleTrees {
  const [first] = sessions;
  const { rows: all, rings } = arrangeTrees(sessions);
  const chosen = choose(all);
  const rows = withoutOtherDatabases(chosen, lockSessions.disclosure, mayShow);
  return {
    rows,
    rings: rings.filter((ring) => ring.every((row) => rows.includes(row))),
    about: { waiters: first?.waiters ?? 0, waiters_asked: first?.waiters_asked ?? 0 },
    withheld: chosen.length - rows.length,
  };
}
