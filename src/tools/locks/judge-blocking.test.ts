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
  judgeBlocking({ rows: rows.map((row) => ({ ...root, ...row })), rings: [], about, min_wait_s: 1 });
const about = { waiters: 9, waiters_asked: 9 };

it.each<[Partial<TreeRow>, string]>([
  [{}, 'warning'],
  [{ waiting_behind: 5 }, 'critical'],
  [{ state: 'idle in transaction' }, 'warning'],
  [{ state: 'idle in transaction', longest_wait_s: 0.9 }, 'notice'],
  [{ state: null, longest_wait_s: null, waiting_behind: 50 }, 'warning'],
  [{ pid: 0, state: null, gid: 'g' }, 'warning'],
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
      next_step: [
        `SELECT gid, prepared, owner, database FROM pg_prepared_xacts WHERE gid = 'it''s';`,
        `-- when its transaction manager has forgotten it, in its database: ROLLBACK PREPARED 'it''s';`,
      ].join('\n'),
    }),
  ]);
  for (const gid of [null, 'password=[redacted]']) {
    expect(judge({ pid: 0, gid })[0]?.next_step).toMatch(/^SELECT .* ORDER BY prepared;\n-- .* followed by its gid$/);
  }
});

it('does not blame a root that waits itself, for one who was not asked', () => {
  expect(judge({ lock_type: 'relation', waiting_behind: 9 })).toEqual([]);
});

it('says that sessions wait for each other', () => {
  const ring = [waiter, { ...waiter, pid: 102, relation: null, lock_type: 'transactionid', lock_mode: 'ShareLock' }];
  expect(judgeBlocking({ rows: ring, rings: [ring], about, min_wait_s: 1 })).toEqual([
    expect.objectContaining({
      severity: 'warning',
      object: 'pids 101, 102',
      evidence: { locks: '101: AccessShareLock shop."Order"; 102: ShareLock transactionid', longest_wait_s: 60 },
    }),
  ]);
});

const alter: TreeRow = {
  ...waiter,
  lock_mode: 'AccessExclusiveLock',
  waiting_behind: 1,
};
const queued: TreeRow = { ...waiter, depth: 2, path: [100, 101, 102], pid: 102, blocked_by: [], queued_behind: [101] };

it('cancels the ALTER TABLE that waits for a report, and not the report', () => {
  const [finding] = judge({ waiting_behind: 2 }, alter, queued);
  expect(finding?.claim).toContain('All but session 101 only queue behind that one.');
  expect(finding?.next_step).toMatch(/^SELECT pg_cancel_backend\(pid\) FROM pg_stat_activity WHERE pid = 101 /);
});

it.each<[string, Partial<TreeRow>, Partial<TreeRow>]>([
  ['holds what another waits for', {}, { blocked_by: [101], queued_behind: [] }],
  ['is not the only one who waits for the root', {}, { blocked_by: [100], queued_behind: [101] }],
  ['is no session of a client', { backend_type: 'autovacuum worker' }, {}],
])('does not cancel one that %s', (_, first, second) => {
  const [finding] = judge({ waiting_behind: 2 }, { ...alter, ...first }, { ...queued, ...second });
  expect(finding?.next_step).toContain('WHERE pid = 100 ');
});

it('cancels it also where two reports are in its way', () => {
  const both = { ...alter, blocked_by: [100, 99], blockers: 2 };
  const findings = judge({ waiting_behind: 2 }, both, queued, { pid: 99, path: [99], waiting_behind: 2 });
  expect(findings).toHaveLength(2);
  for (const { next_step } of findings) expect(next_step).toContain('WHERE pid = 101 ');
});

it('ends a root without work, though others only queue', () => {
  const [finding] = judge({ waiting_behind: 2, state: 'idle in transaction' }, alter, queued);
  expect(finding?.next_step).toContain('pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 100 ');
});

it('claims no more than it asked for', () => {
  const rows = [{ ...root, waiting_behind: 100 }];
  const asked = { waiters: 1799, waiters_asked: 100 };
  expect(judgeBlocking({ rows, rings: [], about: asked, min_wait_s: 1 })[0]?.claim).toContain(
    'blocks at least 100 sessions',
  );
});

it('looks at many roots, and ends none', () => {
  const roots = Array.from({ length: 12 }, (_, n) => ({ pid: 200 + n, state: 'idle in transaction' }));
  const [finding, ...others] = judge(...roots, { ...waiter, blockers: 100 });
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    claim: 'At least 12 sessions block others and wait for nobody.',
    next_step: expect.stringMatching(
      /^SELECT pid, usename, .* WHERE pid IN \(200, 201, .*, 209\) ORDER BY xact_start;$/,
    ),
  });
});
