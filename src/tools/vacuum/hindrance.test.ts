import { expect, it } from 'vitest';
import type { AutovacuumSettings } from './autovacuum-settings.ts';
import type { DueTable } from './due-table.ts';
import { hindranceOf, type Hindrance } from './hindrance.ts';
import type { HorizonHolder } from './horizon-holders.ts';

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
  waiting_rows: 1,
  vacuumed_s: 30,
};
const settings: AutovacuumSettings = {
  autovacuum: true,
  track_counts: true,
  off_by: null,
  naptime_s: 60,
  max_workers: 3,
  running_workers: 1,
  cost_limit: 200,
  cost_delay_ms: 2,
};
const holder: HorizonHolder = {
  kind: 'session',
  name: '4711',
  application: null,
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
  ['no transaction that saw nothing end', { holder: { xmin_age: 0 } }, null],
  [
    'perhaps a slot or standby, which do not say since when',
    { holder: { kind: 'slot', since: null } },
    'may_be_held_back',
  ],
  ['none that came to nothing yet', { holder: { kind: 'standby', since: null, xmin_age: 0 } }, null],
  ['none where the last vacuum is long ago', { table: { vacuumed_s: 301 }, holder: { since: null } }, null],
  [
    'what keeps VACUUM from freezing it',
    { table: { due: ['xid_age'], xid_age_at: 100 }, holder: { since: null, xmin_age: 101 } },
    'held_back',
  ],
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
