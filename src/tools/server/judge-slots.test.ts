import { expect, it } from 'vitest';
import { judgeSlots } from './judge-slots.ts';
import type { Slot } from './slots.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const slot: Slot = {
  slot: 'consumer',
  active: true,
  retained_size: 1000,
  wal_status: 'reserved',
  conflicting: null,
  invalidation_reason: null,
  inactive_since: null,
  inactive_s: null,
  synced: false,
  xmin_age: null,
};
const judge = (more: Partial<Slot>) =>
  judgeSlots([{ ...slot, ...more }], GIB).map(({ severity, claim }) => `${severity}: ${claim}`);

it.each<[string, Partial<Slot>, string[]]>([
  ['in use', {}, []],
  ['of PostgreSQL 12', { wal_status: null }, []],
  ['in use and far behind', { retained_size: GIB }, ['warning: The replication slot consumer keeps much WAL.']],
  ['of a standby that restarts', { active: false, inactive_s: 5 }, []],
  ['that is moved on and keeps little', { active: false, retained_size: MIB }, []],
  ['copied from the primary', { active: false, synced: true, inactive_s: 9999, retained_size: 20 * MIB }, []],
  [
    'not in use that keeps WAL',
    { active: false, retained_size: 16 * MIB },
    ['notice: The replication slot consumer is not in use at the moment, and keeps WAL.'],
  ],
  [
    'not in use and far behind',
    { active: false, retained_size: GIB },
    ['warning: The replication slot consumer keeps much WAL, and nobody uses it.'],
  ],
  [
    'not used for long',
    { active: false, retained_size: null, inactive_s: 3600 },
    ['notice: The replication slot consumer has not been used for 60 min.'],
  ],
  [
    'that is about to lose WAL',
    { wal_status: 'unreserved' },
    ['critical: The replication slot consumer is about to lose WAL that it needs.'],
  ],
  [
    'that has lost WAL',
    { wal_status: 'lost', active: false },
    ['critical: The replication slot consumer has lost WAL that it needs.'],
  ],
  [
    'that has lost WAL, of PostgreSQL 17',
    { wal_status: 'lost', active: false, invalidation_reason: 'wal_removed', conflicting: false },
    ['critical: The replication slot consumer has lost WAL that it needs.'],
  ],
  [
    'whose rows replay removed',
    { wal_status: 'lost', active: false, invalidation_reason: 'rows_removed', conflicting: true },
    ['critical: The replication slot consumer is invalid: replay removed rows that it needs.'],
  ],
  [
    'that was invalidated, of PostgreSQL 16',
    { wal_status: 'lost', active: false, conflicting: true },
    ['critical: The replication slot consumer is invalid: it lost WAL or rows that it needs.'],
  ],
  [
    'that its administrator let expire',
    { wal_status: 'lost', active: false, invalidation_reason: 'idle_timeout' },
    ['notice: The replication slot consumer is invalid: nobody used it for idle_replication_slot_timeout.'],
  ],
  [
    'that is invalid for a reason of a later version',
    { wal_status: 'lost', active: false, invalidation_reason: 'moonlight' },
    ['critical: The replication slot consumer is invalid: moonlight.'],
  ],
])('judges a slot %s', (_, more, claims) => {
  expect(judge(more)).toEqual(claims);
});

it('drops no slot, and says when that is right', () => {
  const [active] = judgeSlots([{ ...slot, retained_size: GIB }], GIB);
  expect(active).not.toHaveProperty('next_step');
  const lines = judgeSlots([{ ...slot, active: false, retained_size: GIB }], GIB)[0]?.next_step?.split('\n');
  expect(lines).toEqual([
    `SELECT * FROM pg_replication_slots WHERE slot_name = 'consumer';`,
    expect.stringMatching(/^-- only when .* gone for good.*: SELECT pg_drop_replication_slot\('consumer'\);$/),
  ]);
});
