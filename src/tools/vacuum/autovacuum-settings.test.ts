import { expect, it } from 'vitest';
import { judgeAutovacuum, type AutovacuumSettings } from './autovacuum-settings.ts';
import { judgeHolder, type HorizonHolder } from './horizon-holders.ts';

const settings: AutovacuumSettings = {
  autovacuum: true,
  track_counts: true,
  off_by: null,
  naptime_s: 60,
  max_workers: 3,
  running_workers: 3,
  cost_limit: 200,
  cost_delay_ms: 2,
};

it.each<[string, Partial<AutovacuumSettings>, number, string[]]>([
  ['workers that are busy, and nothing waits for them', {}, 0, []],
  [
    'workers that are busy',
    {},
    1,
    ['ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 400; -- when the disks have room\nSELECT pg_reload_conf();'],
  ],
  ['a worker that is free', { running_workers: 2 }, 9, []],
  ['workers that it cannot see', { running_workers: null }, 9, []],
  ['autovacuum that is off', { autovacuum: false }, 0, ['ALTER SYSTEM SET autovacuum = on;\nSELECT pg_reload_conf();']],
  [
    'autovacuum that is off on the command line',
    { autovacuum: false, off_by: 'command line' },
    0,
    [expect.stringMatching(/^-- the command line of the server has autovacuum = off: [^\n]*$/)],
  ],
  [
    'counters that are off for the login',
    { track_counts: false, off_by: 'user' },
    0,
    [expect.stringMatching(/FROM pg_db_role_setting;$/)],
  ],
  [
    'counters that are off',
    { track_counts: false },
    0,
    ['ALTER SYSTEM SET track_counts = on;\nSELECT pg_reload_conf();'],
  ],
])('judges %s', (_, more, due, steps) => {
  const findings = judgeAutovacuum({ ...settings, ...more }, { due: 9, waiting: due, service: null });
  expect(findings.map(({ next_step }) => next_step)).toEqual(steps);
  expect(findings.every(({ severity }) => severity === 'warning')).toBe(true);
});

it('does not advise a cost limit above what there is, nor where nothing is delayed', () => {
  expect(
    judgeAutovacuum({ ...settings, cost_limit: 9000 }, { due: 1, waiting: 1, service: null })[0]?.next_step,
  ).toContain('cost_limit = 10000;');
  expect(
    judgeAutovacuum({ ...settings, cost_delay_ms: 0 }, { due: 1, waiting: 1, service: null })[0],
  ).not.toHaveProperty('next_step');
});

const holder: HorizonHolder = {
  kind: 'session',
  name: '4711',
  application: null,
  user: 'app',
  database: null,
  state: 'idle in transaction',
  xmin_age: 999,
  since: null,
  catalogs_only: false,
};

it.each<[string, Partial<HorizonHolder>, boolean | undefined, string | undefined]>([
  ['holds back little', {}, undefined, undefined],
  ['made a vacuum vain', {}, true, 'warning pid 4711'],
  ['perhaps made a vacuum vain', { kind: 'standby', name: 'far' }, false, 'notice "far"'],
  ['holds back much', { xmin_age: 1000 }, undefined, 'warning pid 4711'],
  ['holds back much, and perhaps made a vacuum vain', { xmin_age: 1000 }, false, 'warning pid 4711'],
  ['holds back the catalogs', { xmin_age: 5000, catalogs_only: true }, undefined, undefined],
  ['is a slot', { kind: 'slot', name: 'old', xmin_age: 1000 }, undefined, 'warning "old"'],
])('judges what %s', (_, more, sure, reported) => {
  const only = { ...holder, ...more };
  const [finding] = judgeHolder([only], sure === undefined ? [] : [{ holder: only, sure }], 1000);
  expect(finding && `${finding.severity} ${finding.object}`).toBe(reported);
});

it('names the one that was seen to hold back, and not the oldest', () => {
  const seen = { ...holder, name: '4712', xmin_age: 5 };
  const findings = judgeHolder([holder, seen], [{ holder: seen, sure: true }], 1_000_000);
  expect(findings).toMatchObject([{ object: 'pid 4712', evidence: { tables_vacuumed_in_vain: 1 } }]);
});

it.each([
  ['slot', 'inactive', /^SELECT \* FROM pg_replication_slots WHERE slot_name = 'it''s';\n-- [^\n]*$/],
  ['slot', 'active', /^-- on that standby[^\n]*\nSELECT [^\n]* FROM pg_stat_activity [^\n]*$/],
  ['standby', 'streaming', /^-- on that standby[^\n]*\nSELECT [^\n]* FROM pg_stat_activity [^\n]*$/],
  ['prepared_transaction', 'prepared', /^SELECT [^\n]* FROM pg_prepared_xacts WHERE gid = 'it''s';\n-- [^\n]*$/],
] as const)('looks at a %s that is %s before anything ends it', (kind, state, step) => {
  const only = { ...holder, kind, state, name: "it's" };
  expect(judgeHolder([only], [{ holder: only, sure: true }], 1000)[0]?.next_step).toMatch(step);
});
