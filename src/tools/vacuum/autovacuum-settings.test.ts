import { expect, it } from 'vitest';
import { judgeAutovacuum, type AutovacuumSettings } from './autovacuum-settings.ts';
import { judgeHolder, type HorizonHolder } from './horizon-holders.ts';

const settings: AutovacuumSettings = {
  autovacuum: true,
  track_counts: true,
  naptime_s: 60,
  max_workers: 3,
  running_workers: 3,
  cost_limit: 200,
  cost_delay_ms: 2,
};

it.each<[string, Partial<AutovacuumSettings>, number, string[]]>([
  ['workers that are busy, and nothing is due', {}, 0, []],
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
    'counters that are off',
    { track_counts: false },
    0,
    ['ALTER SYSTEM SET track_counts = on;\nSELECT pg_reload_conf();'],
  ],
])('judges %s', (_, more, due, steps) => {
  const findings = judgeAutovacuum({ ...settings, ...more }, due);
  expect(findings.map(({ next_step }) => next_step)).toEqual(steps);
  expect(findings.every(({ severity }) => severity === 'warning')).toBe(true);
});

it('does not advise a cost limit above what there is, nor where nothing is delayed', () => {
  expect(judgeAutovacuum({ ...settings, cost_limit: 9000 }, 1)[0]?.next_step).toContain('cost_limit = 10000;');
  expect(judgeAutovacuum({ ...settings, cost_delay_ms: 0 }, 1)[0]).not.toHaveProperty('next_step');
});

const holder: HorizonHolder = {
  kind: 'session',
  name: '4711',
  user: 'app',
  state: 'idle in transaction',
  xmin_age: 999,
  since: null,
  catalogs_only: false,
};

it.each<[string, Partial<HorizonHolder>, number, string | undefined]>([
  ['holds back little', {}, 0, undefined],
  ['made a vacuum vain', {}, 1, 'pid 4711'],
  ['holds back much', { xmin_age: 1000 }, 0, 'pid 4711'],
  ['holds back the catalogs', { xmin_age: 5000, catalogs_only: true }, 0, undefined],
  ['is a slot', { kind: 'slot', name: 'old', xmin_age: 1000 }, 0, '"old"'],
])('judges what %s', (_, more, heldBack, object) => {
  expect(judgeHolder([{ ...holder, ...more }], heldBack, 1000)[0]?.object).toBe(object);
});

it.each([
  ['slot', 'inactive', `SELECT pg_drop_replication_slot('it''s'); -- when whoever used it is gone for good`],
  ['slot', 'active', `SELECT * FROM pg_replication_slots WHERE slot_name = 'it''s';`],
  [
    'prepared_transaction',
    'prepared',
    `ROLLBACK PREPARED 'it''s'; -- in its database, when its transaction manager has forgotten it`,
  ],
] as const)('says what ends a %s that is %s', (kind, state, step) => {
  expect(judgeHolder([{ ...holder, kind, state, name: "it's" }], 1, 1000)[0]?.next_step).toBe(step);
});
