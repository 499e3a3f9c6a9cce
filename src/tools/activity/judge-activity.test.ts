import { expect, it } from 'vitest';
import { judgeActivity, notAsked } from './judge-activity.ts';
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
  longest_wait_s: 60,
  wait_s: null,
  backend_start: '2026-01-01T00:00:00Z',
  transaction_s: 1,
  statement_s: 1,
  state_s: 1,
  xmin_age: 10,
  leader_pid: null,
  query_id: null,
  statement: null,
};
const input = { min_wait_s: 5, idle_in_transaction_s: 60, long_transaction_s: 600, max_xmin_age: 1_000_000 };
const SESSION_100 = `FROM pg_stat_activity WHERE pid = 100 AND backend_start = '2026-01-01T00:00:00Z';`;
const judge = (...rows: Partial<SessionRow>[]) =>
  judgeActivity(
    rows.map((row, i) => ({ ...session, pid: 100 + i, ...row })),
    { input, about: null },
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
    next_step: `SELECT pg_terminate_backend(pid) ${SESSION_100} -- its transaction is rolled back`,
  });
  expect(active).toMatchObject({
    severity: 'warning',
    next_step: expect.stringContaining('SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = 101 AND'),
  });
});

it.each([
  [{ waiting_behind: 50, longest_wait_s: 4.9 }, 'notice'],
  [{ waiting_behind: 50, longest_wait_s: 5 }, 'critical'],
  [{ waiting_behind: 4, longest_wait_s: 3600 }, 'warning'],
  [{ waiting_behind: 50, longest_wait_s: null }, 'warning'],
])('calls blocking urgent by how long it lasts: %o is a %s', (row, severity) => {
  expect(judge(row).map((finding) => finding.severity)).toEqual([severity]);
});

it('says of a transaction without work that it is one, though those behind it came just now', () => {
  const findings = judge({ waiting_behind: 1, longest_wait_s: 0.1, state: 'idle in transaction', state_s: 700 });
  expect(findings).toEqual([expect.objectContaining({ severity: 'warning', claim: expect.stringContaining('idle') })]);
});

it.each<[Partial<SessionRow>, string]>([
  [{ backend_type: 'autovacuum worker' }, 'AND 100 = ANY (pg_blocking_pids(pid));'],
  [{ backend_type: 'walsender' }, 'SELECT * FROM pg_stat_replication WHERE pid = 100;'],
  [{ backend_type: 'startup', state: null }, "FROM pg_locks WHERE mode = 'AccessExclusiveLock'"],
  [{ backend_type: 'parallel worker' }, 'SELECT * FROM pg_stat_activity WHERE pid = 100;'],
  [{ backend_type: null, state: null, backend_start: null }, 'SELECT * FROM pg_stat_activity WHERE pid = 100;'],
  [{ state: null }, 'SELECT * FROM pg_stat_activity WHERE pid = 100;'],
])('ends no process of the server, and no session that it cannot see: %o', (row, step) => {
  const [blocker] = judge({ waiting_behind: 5, ...row });
  expect(blocker?.next_step).toContain(step);
  expect(blocker?.next_step).not.toMatch(/terminate|cancel/);
});

it('ends an idle session for its advisory locks, which no cancel releases', () => {
  expect(judge({ waiting_behind: 1, state: 'idle' })[0]?.next_step).toContain('SELECT pg_terminate_backend(pid) ');
});

it('says how many waiters were not asked', () => {
  expect(notAsked({ waiters: 280, waiters_asked: 100 })).toEqual([
    expect.objectContaining({ what: 'who blocks 180 of the 280 sessions that wait for a lock' }),
  ]);
  expect(notAsked({ waiters: 100, waiters_asked: 100 })).toEqual([]);
  expect(notAsked(null)).toEqual([]);
});

it('does not blame one who waits itself', () => {
  expect(judge({ waiting_behind: 3, blocked_by: [7] }, { waiting_behind: 3, blocked_by: [] })).toEqual([]);
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

it.each<[string, string | null, RegExp, RegExp]>([
  ['a statement', 'select $1', /^SELECT pid, /, /^-- .* SELECT pg_cancel_backend\(pid\) FROM/],
  ['a statement that we may not see', null, /^SELECT pid, /, /^-- .* SELECT pg_cancel_backend/],
  ['VACUUM', 'VACUUM (FREEZE) shop.orders', /^SELECT pid, /, /^-- (?!.*cancel_backend)/],
  ['an index', 'create unique index concurrently on shop.orders (id)', /^SELECT pid, /, /^-- (?!.*cancel_backend)/],
  ['a dump', 'COPY shop.orders (id) TO stdout;', /^SELECT pid, /, /^-- (?!.*cancel_backend)/],
])('cancels nothing that takes long unseen, and no maintenance at all: %s', (_, statement, look, then) => {
  const [finding] = judge({ transaction_s: 601, statement });
  const lines = finding?.next_step?.split('\n') ?? [];
  expect(lines).toEqual([expect.stringMatching(look), expect.stringMatching(then)]);
});

it('sees a leak in many transactions without work, however young', () => {
  const idle = Array.from({ length: 10 }, () => ({ state: 'idle in transaction', state_s: 2 }));
  expect(judge(...idle)).toEqual([
    expect.objectContaining({ severity: 'warning', evidence: { sessions: 10, oldest_s: 2 } }),
  ]);
  expect(judge(...idle.slice(1))).toEqual([]);
});

it('ends no report for whom an ALTER TABLE waits, before somebody has looked', () => {
  const [root] = judge(
    { waiting_behind: 2, state: 'active' },
    { blocked_by: [100], waiting_behind: 1 },
    { blocked_by: [101] },
  );
  expect(root?.next_step).toContain('WHERE pid IN (100, 101)');
  expect(root?.next_step).not.toMatch(/terminate|cancel_backend/);
});

it('looks at many, and ends none', () => {
  const [finding] = judge(...Array.from({ length: 12 }, () => ({ waiting_behind: 1, state: 'idle in transaction' })));
  expect(finding?.next_step).toMatch(/^SELECT pid, [^;]*;$/);
});

it('claims no more than it asked for', () => {
  const about = { waiters: 1799, waiters_asked: 100 };
  expect(judgeActivity([{ ...session, waiting_behind: 100 }], { input, about })[0]?.claim).toContain(
    'blocks at least 100 sessions',
  );
});
