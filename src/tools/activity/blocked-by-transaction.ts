import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { lockSessions } from '../locks/lock-session.ts';
import { judgeBlocking } from '../locks/judge-blocking.ts';
import { keyOf, type TreeRow } from '../locks/tree-row.ts';
import { visibleTrees } from '../locks/visible-trees.ts';
import type { Finding } from '../kit/index.ts';
import { blockerSeverity } from './blocker.ts';
import type { AboutWaiters } from './session-row.ts';

/** Whom a transaction keeps waiting. */
export const blocking = {
  waiting_behind: z.int().min(0).describe('Sessions that wait for it, directly or not.'),
  longest_wait_s: z.number().nullable().meta({ unit: 's' }).describe('Of those.'),
};

type Key = Parameters<typeof keyOf>[0];

/** The queues behind some transactions. */
export interface Queues {
  readonly about: AboutWaiters;
  behind(transaction: Key): z.output<z.ZodObject<typeof blocking>>;
  /** Whether those who wait for it have done so for longer. */
  isUrgent(transaction: Key): boolean;
  /** Of those that are urgent, in the words of blocking_tree. */
  judge(transactions: readonly Key[]): Finding[];
}

/** Looks for itself. */
export async function readQueues(target: ReachedDatabase, minWaitS: number): Promise<Queues> {
  const sessions = await target.readOnly((session) => lockSessions.read(session, {}), { single: true });
  const { rows, about } = visibleTrees(sessions, (database) => target.mayShow(database));
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const isUrgent = (transaction: Key) => {
    const row = byKey.get(keyOf(transaction));
    const isRoot = row !== undefined && row.depth === 0 && row.lock_type === null && row.waiting_behind > 0;
    return isRoot && blockerSeverity(row, minWaitS) !== 'notice';
  };
  return {
    about,
    isUrgent,
    behind(transaction) {
      const { waiting_behind = 0, longest_wait_s = null } = byKey.get(keyOf(transaction)) ?? {};
      return { waiting_behind, longest_wait_s };
    },
    judge(transactions) {
      const urgent = new Set(transactions.filter(isUrgent).map(keyOf));
      return judgeBlocking({ rows: treesOf(rows, urgent), rings: [], about, min_wait_s: minWaitS });
    },
  };
}

function treesOf(rows: readonly TreeRow[], roots: ReadonlySet<string>): TreeRow[] {
  let isWanted = false;
  return rows.filter((row) => {
    if (row.depth === 0) isWanted = roots.has(keyOf(row));
    return isWanted;
  });
}
