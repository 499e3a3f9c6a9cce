import { describe, expect, it } from 'vitest';
import { judgeStandbys, judgeSubscriptions, judgeSynchronous } from './judge-replication.ts';
import type { Subscription } from './logical.ts';
import type { Position } from './position.ts';
import type { Standby } from './senders.ts';

const primary: Position = {
  standby: false,
  wal_lsn: '0/3000000',
  replay_lsn: null,
  replay_lag_size: null,
  replay_lag_s: null,
  receiving: null,
  replay_paused: null,
  apply_delay_s: null,
  hot_standby_feedback: false,
  wal_level: 'replica',
  synchronous_commit: 'on',
  synchronous_standby_names: null,
  max_slot_wal_keep_size: null,
};
const standby: Standby = {
  application: 'two',
  client_address: '10.0.0.2',
  user: 'replicator',
  pid: 100,
  slot: 'two',
  database: null,
  state: 'streaming',
  sync_state: 'sync',
  lag_size: 1000,
  unsent_size: 0,
  unwritten_size: 0,
  unflushed_size: 0,
  unreplayed_size: 1000,
  write_lag_s: 0.1,
  flush_lag_s: 0.1,
  replay_lag_s: 0.2,
  replied_at: '2026-01-01T00:00:00Z',
  xmin_age: null,
};

const lagsOf = (row: Partial<Standby>) =>
  judgeStandbys([{ ...standby, ...row }], 60, 1_000_000).map(({ claim }) => claim);
const waitsFor = (names: string | null, rows: Partial<Standby>[], here: Partial<Position> = {}) =>
  judgeSynchronous(
    { ...primary, ...here, synchronous_standby_names: names },
    rows.map((row) => ({ ...standby, ...row })),
  ).map(({ claim }) => claim);

describe('standbys', () => {
  it('are behind in seconds or else in bytes, and said to be once', () => {
    expect(lagsOf({})).toEqual([]);
    expect(lagsOf({ replay_lag_s: 61, lag_size: 2_000_000 })).toEqual(['A standby replays 61 s behind.']);
    expect(lagsOf({ replay_lag_s: null, lag_size: 2_000_000 })).toEqual([
      'A standby has much WAL still to receive or to replay.',
    ]);
    expect(lagsOf({ replay_lag_s: null, lag_size: null })).toEqual([]);
    expect(lagsOf({ replay_lag_s: null, lag_size: 2_000_000, database: 'shop' })).toEqual([
      'A receiver of logical changes has much WAL still to receive or to replay.',
    ]);
  });
});

describe('synchronous standbys', () => {
  it.each<[string, Partial<Standby>[], string[]]>([
    ['one, two', [], ['Commits wait for 1 synchronous']],
    ['one, two', [{}], []],
    ['*', [{ sync_state: 'async' }], ['Commits wait for 1 synchronous']],
    ['FIRST 2 (one, two, three)', [{}], ['Commits wait for 2 synchronous']],
    ['2 (one, two)', [{}, {}], []],
    [' any 2 ("a ""b", two)', [{ sync_state: 'quorum' }, { sync_state: 'quorum' }], []],
    [
      'ANY 2 (*)',
      [{ sync_state: 'quorum' }, { sync_state: 'quorum', state: 'catchup' }],
      ['Commits wait for 2 synchronous'],
    ],
  ])('of %s: with %o, %o', (names, rows, claims) => {
    expect(waitsFor(names, rows).map((claim) => claim.replace(/ standby.*/, ''))).toEqual(claims);
  });

  it('are brought back first: to wait no longer for them may lose commits', () => {
    const [finding] = judgeSynchronous({ ...primary, synchronous_standby_names: 'one' }, []);
    expect(finding?.next_step).toMatch(/^SELECT [^\n]*;\n-- [^\n]*$/);
  });

  it('are not judged where nothing waits for them, or who they are is hidden', () => {
    expect(waitsFor(null, [])).toEqual([]);
    expect(waitsFor('one', [], { synchronous_commit: 'local' })).toEqual([]);
    expect(waitsFor('one', [], { synchronous_commit: null })).toHaveLength(1);
    expect(waitsFor('one', [], { standby: true })).toEqual([]);
    expect(waitsFor('one', [{ sync_state: null, state: null }])).toEqual([]);
  });
});

describe('subscriptions', () => {
  const works: Subscription = {
    subscription: 'Order',
    database: 'shop',
    owner: 'postgres',
    enabled: true,
    slot: 'Order',
    publications: ['p'],
    pid: 1,
    received_lsn: '0/1',
    silence_s: 1,
    reported_lsn: '0/1',
    tables: 3,
    tables_not_ready: 0,
    apply_errors: 0,
    sync_errors: 0,
  };
  const judge = (row: Partial<Subscription>, onStandby = false) =>
    judgeSubscriptions([{ ...works, ...row }], onStandby).map(({ severity }) => severity);

  it.each<[Partial<Subscription>, string[]]>([
    [{}, []],
    [{ apply_errors: null, sync_errors: null }, []],
    [{ pid: null }, ['warning']],
    [{ apply_errors: 1, sync_errors: 1 }, ['notice']],
    [{ enabled: false, pid: null }, ['notice']],
  ])('that are %o are judged %o', (row, severities) => {
    expect(judge(row)).toEqual(severities);
  });

  it('have no worker on a standby', () => {
    expect(judge({ pid: null }, true)).toEqual([]);
  });

  it('keep WAL on the publisher while they are disabled', () => {
    const [finding] = judgeSubscriptions([{ ...works, enabled: false }], false);
    expect(finding).toMatchObject({
      claim: 'The subscription "Order" is disabled, and its slot on the publisher keeps WAL.',
      next_step: expect.stringMatching(/^SELECT .*;\n-- .*ALTER SUBSCRIPTION … ENABLE$/),
    });
  });
});
