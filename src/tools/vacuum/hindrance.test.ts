import { expect, it } from 'vitest';
import { dueTable as table } from '../../../test/tools/due-table.ts';
import type { AutovacuumSettings } from './autovacuum-settings.ts';
import type { DueTable } from './due-table.ts';
import { hindranceOf, type Hindrance } from './hindrance.ts';
import type { HorizonHolder } from './horizon-holders.ts';

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
  database: null,
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
  ['perhaps a transaction from before the end of its last vacuum', {}, 'may_be_held_back'],
  ['a transaction from before its last vacuum', { table: { vacuum_took_s: 0.4 } }, 'held_back'],
  ['perhaps one that came while it was vacuumed', { table: { vacuum_took_s: 0.6 } }, 'may_be_held_back'],
  ['one from before the last vacuum but one', { table: { last_vacuum: '2026-01-01T12:00:00.2Z' } }, 'held_back'],
  ['one from before an ANALYZE before that', { table: { last_analyze: '2026-01-01T12:00:00.2Z' } }, 'held_back'],
  ['perhaps one, since ANALYZE came after', { table: { last_analyze: '2026-01-01T12:00:01Z' } }, 'may_be_held_back'],
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
