import { expect, it } from 'vitest';
import { dueTable } from '../../../test/tools/due-table.ts';
import { judgeDue, type Judged } from './judge-due.ts';

const table: Judged = { ...dueTable, hindered_by: null };
const limits = { overdue_percent: 200, min_rows: 1000 };
const judge = (...rows: Partial<Judged>[]) =>
  judgeDue(
    rows.map((more) => ({ ...table, ...more })),
    limits,
  );

it.each<[string, Partial<Judged>, string[]]>([
  ['is far beyond', {}, ['notice VACUUM "public"."orders";']],
  ['is due and not yet late', { percent: 199 }, []],
  ['is not due', { due: [], percent: 90 }, []],
  ['has few rows to clean', { dead_rows: 999 }, []],
  ['is being vacuumed', { hindered_by: 'being_vacuumed' }, ['notice undefined']],
  ['was vacuumed in vain', { hindered_by: 'held_back' }, ['warning undefined']],
  [
    'was perhaps vacuumed in vain',
    { hindered_by: 'may_be_held_back' },
    ['notice VACUUM (VERBOSE) "public"."orders"; -- it says how many dead rows it may not yet remove'],
  ],
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
  [200_000_001, undefined], // it is due, and that is how it is meant
  [299_999_999, undefined],
  [300_000_000, 'warning'],
  [1_599_999_999, 'warning'],
  [1_600_000_000, 'critical'],
])('takes an age of %s for %s, and does no more than it must', (xid_age, severity) => {
  const findings = judge({ due: ['xid_age'], percent: 0, xid_age });
  expect(findings.map((each) => [each.severity, each.next_step])).toEqual(
    severity === undefined ? [] : [[severity, 'VACUUM "public"."orders";']],
  );
});

it('judges multixacts that are further beyond than transactions', () => {
  const more = {
    due: ['xid_age' as const, 'mxid_age' as const],
    percent: 0,
    xid_age: 200_000_001,
    mxid_age: 800_000_000,
  };
  expect(judge(more)).toMatchObject([{ severity: 'warning', claim: expect.stringContaining('800000000 multixacts') }]);
});

it.each([
  [null, 'it has not come yet. It was never vacuumed.'],
  ['2026-01-01T12:00:00.5Z', 'it last came at 2026-01-01T12:00:00.5Z.'],
])('says when autovacuum came: %s', (last_autovacuum, words) => {
  expect(judge({ last_autovacuum })[0]?.claim).toContain(words);
});

it('says why, and that a table was never vacuumed', () => {
  const [finding] = judge({ last_autovacuum: null, hindered_by: 'locked' });
  expect(finding?.claim).toBe(
    '"public"."orders" has 5125 dead rows, and autovacuum comes at 2050: a session holds or awaits a lock on it that keeps VACUUM out. It was never vacuumed.',
  );
});

it('makes one finding of many tables', () => {
  const rows = Array.from({ length: 8 }, (_, n) => ({ table: `t${n}` }));
  expect(judge(...rows)).toMatchObject([{ claim: '8 tables wait for VACUUM.', evidence: { count: 8 } }]);
});
