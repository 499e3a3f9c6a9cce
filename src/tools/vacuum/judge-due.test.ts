import { expect, it } from 'vitest';
import type { AutovacuumSettings } from './autovacuum-settings.ts';
import type { DueTable } from './due-table.ts';
import type { HorizonHolder } from './horizon-holders.ts';
import { hindranceOf, judgeDue, type Hindrance, type Judged } from './judge-due.ts';

const table: DueTable = {
  schema: 'public',
  table: 'orders',
  part: 'table',
  autovacuum: true,
  due: ['dead_rows'],
  percent: 250,
  rows: 10_000,
  dead_rows: 5125,
  dead_rows_at: 2050,
  inserts: 0,
  inserts_at: 3000,
  changes: 0,
  changes_at: 1050,
  xid_age: 1000,
  xid_age_at: 200_000_000,
  mxid_age: 0,
  mxid_age_at: 400_000_000,
  last_vacuum: null,
  last_autovacuum: '2026-01-01T12:00:00.5Z',
  last_analyze: null,
  last_autoanalyze: null,
  vacuums: 0,
  autovacuums: 1,
  analyzes: 0,
  autoanalyzes: 0,
  running: false,
  locked: false,
  due_rows: 1,
  total_rows: 1,
};
const settings: AutovacuumSettings = {
  autovacuum: true,
  track_counts: true,
  naptime_s: 60,
  max_workers: 3,
  running_workers: 1,
  cost_limit: 200,
  cost_delay_ms: 2,
};
const holder: HorizonHolder = {
  kind: 'session',
  name: '4711',
  user: 'app',
  state: 'idle in transaction',
  xmin_age: 12,
  since: '2026-01-01T12:00:00Z',
  catalogs_only: false,
};

interface Case {
  readonly table?: Partial<DueTable>;
  readonly settings?: Partial<AutovacuumSettings>;
  readonly holder?: Partial<HorizonHolder>;
}

const neverVacuumed = { last_autovacuum: null };

it.each<[string, Case, Hindrance | null]>([
  ['nothing that is known', { holder: { since: '2026-01-01T12:00:01Z' } }, null],
  ['nothing, since it is not due', { table: { due: [] }, settings: { autovacuum: false } }, null],
  ['its own vacuum', { table: { running: true, locked: true } }, 'being_vacuumed'],
  ['autovacuum that is off', { table: { autovacuum: false }, settings: { autovacuum: false } }, 'autovacuum_off'],
  ['counters that are off', { settings: { track_counts: false } }, 'autovacuum_off'],
  ['its storage parameter', { table: { autovacuum: false, locked: true } }, 'storage_parameter'],
  ['a lock', { table: { locked: true }, settings: { running_workers: 3 } }, 'locked'],
  ['a transaction from before its last vacuum', {}, 'held_back'],
  ['no such transaction where it is about inserts', { table: { due: ['inserts'] } }, null],
  ['no slot that concerns the catalogs', { holder: { catalogs_only: true } }, null],
  ['no slot that does not say since when', { holder: { since: null } }, null],
  ['workers that are all busy', { table: neverVacuumed, settings: { running_workers: 3 } }, 'workers_busy'],
  ['no workers that it cannot see', { table: neverVacuumed, settings: { running_workers: null } }, null],
  [
    'no switch, against wraparound',
    { table: { due: ['xid_age'], autovacuum: false }, settings: { autovacuum: false } },
    null,
  ],
])('is hindered by %s', (_, of, hindrance) => {
  const circumstances = { settings: { ...settings, ...of.settings }, holders: [{ ...holder, ...of.holder }] };
  expect(hindranceOf({ ...table, ...of.table }, circumstances)).toBe(hindrance);
});

const limits = { overdue_percent: 200, min_rows: 1000 };
const judge = (...rows: Partial<Judged>[]) =>
  judgeDue(
    rows.map((more) => ({ ...table, hindered_by: null, ...more })),
    limits,
  );

it.each<[string, Partial<Judged>, string[]]>([
  ['is far beyond', {}, ['notice VACUUM "public"."orders";']],
  ['is due and not yet late', { percent: 199 }, []],
  ['is not due', { due: [], percent: 90 }, []],
  ['has few rows to clean', { dead_rows: 999 }, []],
  ['is being vacuumed', { hindered_by: 'being_vacuumed' }, ['notice undefined']],
  ['was vacuumed in vain', { hindered_by: 'held_back' }, ['warning undefined']],
  ['waits for a worker', { hindered_by: 'workers_busy' }, ['warning VACUUM "public"."orders";']],
  [
    'is hardly due, and nobody will come',
    { percent: 101, hindered_by: 'autovacuum_off' },
    ['warning VACUUM "public"."orders";'],
  ],
  [
    'is turned off',
    { percent: 101, autovacuum: false, hindered_by: 'storage_parameter' },
    ['warning ALTER TABLE "public"."orders" RESET (autovacuum_enabled);\nVACUUM "public"."orders";'],
  ],
  [
    'has its TOAST turned off',
    { part: 'toast', autovacuum: false, hindered_by: 'storage_parameter' },
    [
      'warning ALTER TABLE "public"."orders" RESET (autovacuum_enabled, toast.autovacuum_enabled);\nVACUUM "public"."orders";',
    ],
  ],
  [
    'is locked',
    { hindered_by: 'locked' },
    [`warning SELECT pid, mode, granted FROM pg_locks WHERE relation = '"public"."orders"'::regclass;`],
  ],
  ['needs both', { due: ['dead_rows', 'changes'], changes: 5000 }, ['notice VACUUM (ANALYZE) "public"."orders";']],
  ['needs ANALYZE', { due: ['changes'], changes: 5000 }, ['notice ANALYZE "public"."orders";']],
  ['has few changes', { due: ['changes'], changes: 999 }, []],
  ['has many inserts', { due: ['inserts'], dead_rows: 0, inserts: 9000 }, ['notice VACUUM "public"."orders";']],
])('judges a table that %s', (_, more, expected) => {
  expect(judge(more).map(({ severity, next_step }) => `${severity} ${next_step}`)).toEqual(expected);
});

it.each([
  [200_000_001, 'notice'],
  [299_999_999, 'notice'],
  [300_000_000, 'warning'],
  [1_599_999_999, 'warning'],
  [1_600_000_000, 'critical'],
])('takes an age of %s for %s', (xid_age, severity) => {
  expect(judge({ due: ['xid_age'], percent: 0, xid_age })).toMatchObject([
    { severity, next_step: 'VACUUM (FREEZE) "public"."orders";' },
  ]);
});

it('says why, and that a table was never vacuumed', () => {
  const [finding] = judge({ last_autovacuum: null, hindered_by: 'locked' });
  expect(finding?.claim).toBe(
    '"public"."orders" has 5125 dead rows, and autovacuum comes at 2050: a session holds or awaits an exclusive lock on it. It was never vacuumed.',
  );
});

it('makes one finding of many tables', () => {
  const rows = Array.from({ length: 8 }, (_, n) => ({ table: `t${n}` }));
  expect(judge(...rows)).toMatchObject([{ claim: '8 tables wait for VACUUM.', evidence: { count: 8 } }]);
});
