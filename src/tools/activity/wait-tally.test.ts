import { describe, expect, it } from 'vitest';
import { hotSpotOf } from './hot-spots.ts';
import { judgeWaits } from './judge-waits.ts';
import { WaitTally } from './wait-tally.ts';
import type { WaitSample } from './wait-sample.ts';

const seen: WaitSample = {
  backend_type: 'client backend',
  database: 'shop',
  idle_in_transaction: false,
  wait_event_type: 'Lock',
  wait_event: 'relation',
  query_id: '7',
  statement: 'select $1',
  sessions: 2,
};

describe('the profile of samples', () => {
  const tally = new WaitTally();
  tally.add([
    seen,
    { ...seen, wait_event_type: null, wait_event: null, sessions: 1 },
    { ...seen, backend_type: 'checkpointer', database: null, wait_event_type: 'IO', wait_event: 'DataFileWrite' },
    { ...seen, idle_in_transaction: true, query_id: null, statement: null, sessions: 3 },
  ]);
  tally.add([{ ...seen, statement: null, sessions: 1 }]);
  const profile = tally.profile(10);

  it('counts sessions at once, those of clients alone', () => {
    expect(profile).toMatchObject({ average_active: 2, most_active: 3, average_idle_in_transaction: 1.5 });
    expect(profile.rows).toEqual([
      { wait_event_type: 'Lock', wait_event: 'relation', average: 1.5, percent: 75 },
      { wait_event_type: null, wait_event: null, average: 0.5, percent: 25 },
    ]);
    expect(profile.databases).toEqual([{ database: 'shop', average: 2, percent: 100, mostly: 'Lock:relation' }]);
    expect(profile.background).toEqual([
      { backend_type: 'checkpointer', wait_event_type: 'IO', wait_event: 'DataFileWrite', average: 1 },
    ]);
  });

  it('keeps the text of a statement that is not read again', () => {
    expect(profile.statements).toEqual([
      { query_id: '7', database: 'shop', average: 2, percent: 100, mostly: 'Lock:relation', statement: 'select $1' },
    ]);
  });

  it('takes a statement that has no id yet for the one that has', () => {
    const mixed = new WaitTally();
    mixed.add([
      { ...seen, query_id: null },
      { ...seen, query_id: null, statement: 'select $1, $2', sessions: 1 },
    ]);
    mixed.add([seen, { ...seen, query_id: null, database: 'other', sessions: 1 }]);
    expect(
      mixed.profile(10).statements.map(({ query_id, database, average }) => [query_id, database, average]),
    ).toEqual([
      ['7', 'shop', 2],
      [null, 'shop', 0.5],
      [null, 'other', 0.5],
    ]);
  });

  it('has no share of nothing', () => {
    const idle = new WaitTally();
    idle.add([]);
    expect(idle.profile(10)).toMatchObject({ average_active: 0, rows: [], statements: [] });
  });
});

describe('findings of samples', () => {
  const row = { wait_event_type: 'Lock', wait_event: 'relation', average: 1, percent: 30 };
  const thresholds = { dominating_percent: 30, hot_percent: 10, min_average: 1 };
  const judge = (...rows: Partial<typeof row>[]) =>
    judgeWaits({ rows: rows.map((each) => ({ ...row, ...each })), average_active: 3 }, thresholds);

  it.each([
    ['waits for locks', {}, ['warning']],
    ['fewer of them', { percent: 29.9 }, []],
    ['one waiter in a while', { average: 0.9, percent: 100 }, []],
    ['reading', { wait_event_type: 'IO', wait_event: 'DataFileRead' }, ['notice']],
    ['clients', { wait_event_type: 'Client', wait_event: 'ClientWrite' }, ['notice']],
    ['what is not a wait', { wait_event_type: 'Timeout', wait_event: 'PgSleep', percent: 100 }, []],
    ['a hot spot', { wait_event_type: 'LWLock', wait_event: 'LockManager', percent: 10 }, ['warning']],
    ['a cool spot', { wait_event_type: 'LWLock', wait_event: 'LockManager', percent: 9.9 }, []],
    ['an internal lock of no fame', { wait_event_type: 'LWLock', wait_event: 'AutoFile' }, ['warning']],
    ['the standby', { wait_event_type: 'IPC', wait_event: 'SyncRep', percent: 10 }, ['notice']],
    ['the disk of WAL', { wait_event_type: 'IO', wait_event: 'WalSync', percent: 10 }, ['notice']],
  ])('judge %s', (_, change, severities) => {
    expect(judge(change).map(({ severity }) => severity)).toEqual(severities);
  });

  it('add up the events of one kind', () => {
    expect(judge({ percent: 20, average: 0.6 }, { wait_event: 'tuple', percent: 15, average: 0.5 })).toMatchObject([
      {
        claim: 'On average 1.1 sessions waited for locks of others: 35 % of all work.',
        evidence: { average: 1.1, percent: 35, average_active: 3, most: 'Lock: relation' },
      },
    ]);
    const wal = { wait_event_type: 'LWLock', percent: 6, average: 0.6 };
    expect(judge({ ...wal, wait_event: 'WALWrite' }, { ...wal, wait_event: 'WALInsert' })).toHaveLength(1);
  });

  it('ask nobody for blockers who waits for no lock', () => {
    expect(judge({})[0]?.next_step).toContain('pg_blocking_pids');
    expect(judge({ wait_event_type: 'LWLock', wait_event: 'LockManager' })[0]?.next_step).not.toContain('pg_blocking');
  });
});

it.each([
  ['lock_manager', 'LockManager'],
  ['WALWriteLock', 'WALWrite'],
  ['wal_insert', 'WALInsert'],
  ['buffer_content', 'BufferContent'],
  ['SubtransControlLock', 'SubtransSLRU'],
  ['MultiXactOffsetControlLock', 'MultiXactOffsetBuffer'],
  ['ProcArrayLock', 'ProcArray'],
])('PostgreSQL 12 means by %s what is %s later', (old, current) => {
  expect(hotSpotOf('LWLock', old)).toBeDefined();
  expect(hotSpotOf('LWLock', old)).toBe(hotSpotOf('LWLock', current));
});
