import type { Severity } from '../../contract/finding.ts';
import type { AboutWaiters } from './session-row.ts';

/** A root blocker with this many behind it stops an application rather than a user. */
const MANY_BEHIND = 5;

interface Blocker {
  readonly waiting_behind: number;
  readonly longest_wait_s: number | null;
}

/** Queues that move are what locks are for. A wait whose length is hidden is not called critical. */
export function blockerSeverity({ waiting_behind, longest_wait_s }: Blocker, minWaitS: number): Severity {
  if (longest_wait_s === null) return 'warning';
  if (longest_wait_s < minWaitS) return 'notice';
  return waiting_behind >= MANY_BEHIND ? 'critical' : 'warning';
}

/** Behind it are at least those that were asked. */
export function whomItBlocks({ waiting_behind }: Blocker, about: AboutWaiters | null): string {
  const least = about !== null && about.waiters_asked < about.waiters ? 'at least ' : '';
  return `blocks ${least}${waiting_behind} ${waiting_behind === 1 ? 'session' : 'sessions'}`;
}
