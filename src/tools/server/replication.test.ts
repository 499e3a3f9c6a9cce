import { expect, it } from 'vitest';
import { judgeArchiver, judgePrepared, judgeReceivers } from './replication.ts';

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
  expect(judgeArchiver({ ...archiver, expected: false })).toEqual([]);
  expect(judgeArchiver(undefined)).toEqual([]);
});

it('reports standbys that are behind', () => {
  const receiver = {
    application: 'standby',
    client_address: null,
    database: null,
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
  expect(judgeReceivers([{ ...behind, database: 'shop' }], 60)[0]?.claim).toBe(
    'A receiver of logical changes is 61 s behind.',
  );
});

it('leaves it to the transaction manager how a prepared transaction ends, and makes no SQL of its name', () => {
  const prepared = {
    gid: "it's \\\n; DROP TABLE orders; --",
    owner: 'app',
    database: 'shop',
    prepared_at: '2026-01-01T00:00:00Z',
    age_s: 601,
    xmin_age: 5,
  };
  expect(judgePrepared([{ ...prepared, age_s: 600 }], 600)).toEqual([]);
  const [finding] = judgePrepared([prepared], 600);
  expect(finding?.object).toBe(prepared.gid);
  expect(finding?.next_step?.split('\n')).toEqual([
    `SELECT gid, prepared, owner, database FROM pg_prepared_xacts WHERE gid = E'it''s \\\\`,
    `; DROP TABLE orders; --';`,
    expect.stringMatching(/^-- .*: ROLLBACK PREPARED E'it''s/),
    expect.stringMatching(/^-- otherwise its transaction manager/),
  ]);
});
