import { expect, it } from 'vitest';
import { judgeActivity } from './judge-activity.ts';
import type { SessionRow } from './session-row.ts';

const session: SessionRow = {
  pid: 100,
  backend_type: 'client backend',
  user: 'app',
  database: 'shop',
  application: null,
  client_address: null,
  state: 'active',
  wait_event_type: null,
  wait_event: null,
  blocked_by: null,
  waiting_behind: 0,
  transaction_s: 1,
  statement_s: 1,
  state_s: 1,
  xmin_age: 10,
  leader_pid: null,
  query_id: null,
  statement: null,
};
const input = { idle_in_transaction_s: 60, long_transaction_s: 600, max_xmin_age: 1_000_000 };
const judge = (...rows: Partial<SessionRow>[]) =>
  judgeActivity(
    rows.map((row, i) => ({ ...session, pid: 100 + i, ...row })),
    { input },
  );

it('says nothing of sessions that work', () => {
  expect(judge({}, { state: 'idle', transaction_s: null, state_s: 100_000 })).toEqual([]);
});

it('advises to end a root blocker that is idle, and to cancel one that works', () => {
  const [idle, active] = judge(
    { waiting_behind: 5, state: 'idle in transaction' },
    { waiting_behind: 1 },
    { waiting_behind: 1, blocked_by: [100], state: 'active' },
  );
  expect(idle).toMatchObject({
    severity: 'critical',
    next_step: expect.stringContaining('SELECT pg_terminate_backend(100);'),
  });
  expect(active).toMatchObject({
    severity: 'warning',
    next_step: expect.stringContaining('SELECT pg_cancel_backend(101);'),
  });
});

it('does not blame one who waits itself', () => {
  expect(judge({ waiting_behind: 3, blocked_by: [7] })).toEqual([]);
});

it('reports a session once, for the worst that it does', () => {
  const findings = judge({
    waiting_behind: 1,
    state: 'idle in transaction',
    state_s: 700,
    transaction_s: 700,
    xmin_age: 5_000_000,
  });
  expect(findings).toHaveLength(1);
  expect(findings[0]?.evidence).toMatchObject({ state_s: 700, xmin_age: 5_000_000 });
});

it.each([
  [{ state: 'idle in transaction (aborted)', state_s: 61 }, 1],
  [{ state: 'idle in transaction', state_s: 60 }, 0],
  [{ transaction_s: 601 }, 1],
  [{ transaction_s: 600 }, 0],
  [{ transaction_s: 100_000, backend_type: 'autovacuum worker' }, 0],
  [{ transaction_s: 100_000, backend_type: null, state: null }, 0],
  [{ xmin_age: 1_000_001 }, 1],
  [{ xmin_age: 1_000_000 }, 0],
])('judges %o as %i finding', (row, count) => {
  expect(judge(row)).toHaveLength(count);
});

it('sees a leak in many transactions without work, however young', () => {
  const idle = Array.from({ length: 10 }, () => ({ state: 'idle in transaction', state_s: 2 }));
  expect(judge(...idle)).toEqual([
    expect.objectContaining({ severity: 'warning', evidence: { sessions: 10, oldest_s: 2 } }),
  ]);
  expect(judge(...idle.slice(1))).toEqual([]);
});
