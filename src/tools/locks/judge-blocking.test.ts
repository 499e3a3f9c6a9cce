import { expect, it } from 'vitest';
import { judgeBlocking } from './judge-blocking.ts';
import type { TreeRow } from './tree-row.ts';

const root: TreeRow = {
  depth: 0,
  path: [100],
  pid: 100,
  gid: null,
  backend_type: 'client backend',
  user: 'app',
  database: 'shop',
  application: null,
  client_address: null,
  state: 'active',
  backend_start: '2026-01-01T00:00:00Z',
  transaction_s: 90,
  state_s: 80,
  wait_s: null,
  lock_type: null,
  lock_mode: null,
  relation: null,
  statement: null,
  waiting_behind: 1,
  longest_wait_s: 60,
  blocked_by: [],
  queued_behind: [],
  blockers: 0,
};
const waiter: TreeRow = {
  ...root,
  depth: 1,
  path: [100, 101],
  pid: 101,
  lock_type: 'relation',
  lock_mode: 'AccessShareLock',
  relation: 'shop."Order"',
  waiting_behind: 0,
  longest_wait_s: null,
  wait_s: 60,
  blocked_by: [100],
  blockers: 1,
};
const judge = (...rows: Partial<TreeRow>[]) =>
  judgeBlocking({ rows: rows.map((row) => ({ ...root, ...row })), rings: [] }, 1);

it.each<[Partial<TreeRow>, string]>([
  [{}, 'warning'],
  [{ waiting_behind: 5 }, 'critical'],
  [{ state: 'idle in transaction' }, 'critical'],
  [{ state: 'idle in transaction (aborted)' }, 'critical'],
  [{ state: 'idle in transaction', longest_wait_s: 0.9 }, 'notice'],
  [{ state: null, longest_wait_s: null, waiting_behind: 50 }, 'warning'],
  [{ pid: 0, state: null, gid: 'g' }, 'critical'],
])('judges a root %o as %s', (row, severity) => {
  expect(judge(row).map((finding) => finding.severity)).toEqual([severity]);
});

it('says what the first in the queue wants, and what ends the root', () => {
  expect(judge({ state: 'idle in transaction' }, waiter)).toEqual([
    expect.objectContaining({
      claim: 'Session 100 blocks 1 session; it is idle in transaction.',
      object: 'pid 100',
      evidence: expect.objectContaining({ waiting_behind: 1, wanted: 'AccessShareLock shop."Order"' }),
      next_step: expect.stringMatching(
        /^SELECT pg_terminate_backend\(pid\) FROM pg_stat_activity WHERE pid = 100 AND /,
      ),
    }),
  ]);
});

it('names the prepared transaction that blocks', () => {
  expect(judge({ pid: 0, gid: "it's", database: 'we.ird' })).toEqual([
    expect.objectContaining({
      claim: 'A prepared transaction blocks 1 session.',
      object: "it's",
      next_step: `ROLLBACK PREPARED 'it''s'; -- in database "we.ird", when its transaction manager has forgotten it`,
    }),
  ]);
  expect(judge({ pid: 0, gid: null })[0]?.next_step).toContain('FROM pg_prepared_xacts');
});

it('does not blame a root that waits itself, for one who was not asked', () => {
  expect(judge({ lock_type: 'relation', waiting_behind: 9 })).toEqual([]);
});

it('says that sessions wait for each other', () => {
  const ring = [waiter, { ...waiter, pid: 102, relation: null, lock_type: 'transactionid', lock_mode: 'ShareLock' }];
  expect(judgeBlocking({ rows: ring, rings: [ring] }, 1)).toEqual([
    expect.objectContaining({
      severity: 'warning',
      object: 'pids 101, 102',
      evidence: { locks: '101: AccessShareLock shop."Order"; 102: ShareLock transactionid', longest_wait_s: 60 },
    }),
  ]);
});
