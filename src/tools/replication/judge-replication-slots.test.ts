import { describe, expect, it } from 'vitest';
import { judgeReplicationSlots } from './judge-replication-slots.ts';
import type { AboutSlots, SlotRow } from './slot-row.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const slot: SlotRow = {
  slot_name: 'consumer',
  slot_type: 'physical',
  plugin: null,
  database: null,
  temporary: false,
  active: true,
  active_pid: 1,
  application: 'standby',
  client_address: null,
  retained_size: 1000,
  wal_status: 'reserved',
  conflicting: null,
  invalidation_reason: null,
  inactive_since: null,
  inactive_s: null,
  synced: false,
  safe_wal_size: null,
  restart_lsn: '0/1',
  confirmed_flush_lsn: null,
  unconfirmed_size: null,
  xmin_age: null,
  catalog_xmin_age: null,
  two_phase: false,
  two_phase_at: null,
  failover: false,
};
const logical: Partial<SlotRow> = { slot_type: 'logical', plugin: 'pgoutput', database: 'shop' };

const primary = { inRecovery: false };

function judge(rows: readonly Partial<SlotRow>[], about: Partial<AboutSlots> = {}, facts = primary) {
  return judgeReplicationSlots(
    rows.map((row) => ({ ...slot, ...row })),
    {
      input: { max_slot_size: GIB, min_safe_percent: 20 },
      about: { max_slot_wal_keep_size: null, idle_replication_slot_timeout: null, standbys: 1, ...about },
      facts,
    },
  );
}

describe('slots', () => {
  it('are judged as everywhere', () => {
    expect(judge([{}])).toEqual([]);
    expect(judge([{ retained_size: GIB, xmin_age: 5, catalog_xmin_age: 7 }])).toMatchObject([
      { severity: 'warning', claim: 'The replication slot consumer keeps much WAL.', evidence: { xmin_age: 7 } },
    ]);
    expect(judge([{ wal_status: 'lost', active: false }])).toMatchObject([{ severity: 'critical' }]);
  });
});

describe('slots that may lose WAL', () => {
  const near = { retained_size: 850 * MIB, wal_status: 'extended', safe_wal_size: 150 * MIB };
  const keep = { max_slot_wal_keep_size: 1000 * MIB };

  it('are told before they do', () => {
    expect(judge([near], keep)).toMatchObject([
      {
        severity: 'warning',
        claim: expect.stringContaining('has 15 % of max_slot_wal_keep_size left'),
        object: 'consumer',
        next_step: expect.stringMatching(/^SELECT \* FROM pg_replication_slots WHERE slot_name = 'consumer';\n-- /),
      },
    ]);
  });

  it.each<[string, Partial<SlotRow>, Partial<AboutSlots>]>([
    ['has room', { ...near, safe_wal_size: 200 * MIB }, keep],
    ['keeps hardly any', { ...near, retained_size: 10 * MIB }, keep],
    ['may keep all', near, {}],
    ['has no number', { ...near, safe_wal_size: null }, keep],
  ])('are none when one %s', (_, row, about) => {
    expect(judge([row], about)).toEqual([]);
  });

  it('are said to lose it once, when they do', () => {
    const claims = judge([{ ...near, wal_status: 'unreserved', safe_wal_size: -1 }], keep).map(({ claim }) => claim);
    expect(claims).toEqual(['The replication slot consumer is about to lose WAL that it needs.']);
  });
});

describe('logical slots beside a standby', () => {
  it('are told when they would not survive a failover', () => {
    expect(judge([logical, { ...logical, slot_name: 'two' }])).toMatchObject([
      {
        severity: 'notice',
        claim: expect.stringContaining('2 logical slots are not copied to the standby'),
        object: 'consumer, two',
      },
    ]);
    expect(judge([logical])).toMatchObject([{ claim: expect.stringContaining('its receiver cannot go on') }]);
  });

  it.each<[string, Partial<SlotRow>, Partial<AboutSlots>, typeof primary?]>([
    ['that are copied', { failover: true }, {}],
    ['of an old version', { failover: null }, {}],
    ['without a standby', {}, { standbys: 0 }],
    ['whose standbys are hidden', {}, { standbys: null }],
    ['that are temporary', { temporary: true }, {}],
    ['of the first copy of a table', { slot_name: 'pg_16394_sync_16385_7290' }, {}],
    ['of a standby itself', {}, {}, { inRecovery: true }],
  ])('are not judged: those %s', (_, row, about, facts) => {
    expect(judge([{ ...logical, ...row }], about, facts)).toEqual([]);
  });
});
