import { expect, it } from 'vitest';
import { judgeArchiver, judgePrepared, judgeReceivers, judgeSlots } from './replication.ts';

const GIB = 2 ** 30;
const slot = {
  slot: 'consumer',
  type: 'logical',
  database: 'shop',
  active: true,
  retained_size: 1000,
  wal_status: 'reserved',
  inactive_since: null,
  synced: false,
  xmin_age: null,
};

it.each<[string, Partial<typeof slot> | { wal_status: null }, string[]]>([
  ['in use', {}, []],
  ['in use and far behind', { retained_size: GIB }, ['warning']],
  ['not in use', { active: false }, ['notice']],
  ['not in use and far behind', { active: false, retained_size: GIB }, ['warning']],
  ['copied from the primary', { active: false, synced: true }, []],
  ['that has lost WAL', { wal_status: 'lost', active: false }, ['critical']],
  ['that is about to lose WAL', { wal_status: 'unreserved' }, ['critical']],
  ['of PostgreSQL 12', { wal_status: null }, []],
])('judges a slot %s', (_, more, severities) => {
  expect(judgeSlots([{ ...slot, ...more }], GIB).map(({ severity }) => severity)).toEqual(severities);
});

it.each([
  [1000, 'Nobody uses the replication slot consumer, and pg_wal grows because of it.'],
  [null, 'Nobody uses the replication slot consumer; it keeps no WAL yet.'],
])('says what a slot that keeps %s bytes costs', (retained_size, claim) => {
  expect(judgeSlots([{ ...slot, active: false, retained_size }], GIB)[0]?.claim).toBe(claim);
});

it('advises to drop only a slot that nobody uses', () => {
  expect(judgeSlots([{ ...slot, retained_size: GIB }], GIB)[0]).not.toHaveProperty('next_step');
  expect(judgeSlots([{ ...slot, active: false }], GIB)[0]?.next_step).toMatch(
    /^SELECT pg_drop_replication_slot\('consumer'\);/,
  );
});

it('reports an archiver whose last attempt failed', () => {
  const archiver = {
    mode: 'on',
    archived: 1,
    failed: 2,
    last_archived_at: '2026-01-01T00:00:00Z',
    last_failed_at: '2026-01-02T00:00:00Z',
    last_failed_wal: '000000010000000000000001',
    failing: true,
    by: 'archive_command' as const,
    expected: true,
  };
  expect(judgeArchiver(archiver)).toEqual([expect.objectContaining({ severity: 'critical' })]);
  expect(judgeArchiver({ ...archiver, by: 'archive_library' })[0]?.object).toBe('"archive_library"');
  expect(judgeArchiver({ ...archiver, failing: false })).toEqual([]);
  const nowhere = { ...archiver, failing: false, by: null };
  expect(judgeArchiver(nowhere)).toEqual([expect.objectContaining({ severity: 'warning' })]);
  expect(judgeArchiver({ ...nowhere, expected: false })).toEqual([]);
  expect(judgeArchiver({ ...archiver, mode: 'off' })).toEqual([]);
  expect(judgeArchiver(undefined)).toEqual([]);
});

it('reports standbys that are behind', () => {
  const receiver = {
    application: 'standby',
    client_address: null,
    state: 'streaming',
    sync_state: 'async',
    lag_size: 1,
    replay_lag_s: 60,
    xmin_age: null,
  };
  expect(judgeReceivers([receiver, { ...receiver, replay_lag_s: null }], 60)).toEqual([]);
  const behind = { ...receiver, replay_lag_s: 61 };
  expect(judgeReceivers([behind, { ...behind, client_address: '10.0.0.2' }], 60)).toMatchObject([
    { severity: 'warning', object: 'standby' },
    { severity: 'warning', object: 'standby 10.0.0.2' },
  ]);
});

it('reports a prepared transaction with a statement that ends it, whatever its name', () => {
  const prepared = {
    gid: `it's \\`,
    owner: 'app',
    database: 'shop',
    prepared_at: '2026-01-01T00:00:00Z',
    age_s: 601,
    xmin_age: 5,
  };
  expect(judgePrepared([{ ...prepared, age_s: 600 }], 600)).toEqual([]);
  expect(judgePrepared([prepared], 600)[0]?.next_step).toMatch(/^ROLLBACK PREPARED E'it''s \\\\';/);
});
