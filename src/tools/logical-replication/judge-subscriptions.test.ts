import { expect, it } from 'vitest';
import { judgeSubscriber } from './judge-subscriptions.ts';
import type { SubscriptionRow } from './subscription-row.ts';

const works: SubscriptionRow = {
  subscription: 'Or"der',
  database: 'shop',
  owner: 'postgres',
  enabled: true,
  disable_on_error: false,
  slot: 'order',
  publications: ['p'],
  pid: 42,
  worker_s: 3600,
  sync_workers: 0,
  received_lsn: '0/1',
  reported_lsn: '0/1',
  silence_s: 5,
  message_age_s: 5,
  tables: 3,
  tables_not_ready: 0,
  apply_errors: 0,
  sync_errors: 0,
  conflicts: { update_missing: 0, delete_missing: 0, insert_exists: 0 },
  counted_since: null,
  streaming: 'off',
  two_phase: 'off',
  origin: 'any',
  failover: false,
  total_rows: 1,
};
const here = { standby: false, max_lag_s: 60, wal_receiver_timeout_s: 60 };
const judge = (row: Partial<SubscriptionRow>, more: Partial<typeof here> = {}) =>
  judgeSubscriber([{ ...works, ...row }], { ...here, ...more }).map(({ severity, claim }) => `${severity}: ${claim}`);

it.each<[string, Partial<SubscriptionRow>, string[]]>([
  ['works', {}, []],
  ['copies tables', { tables_not_ready: 2, sync_workers: 1 }, []],
  ['has just begun', { tables_not_ready: 2, worker_s: 59 }, []],
  [
    'copies nothing',
    { tables_not_ready: 2, worker_s: 60 },
    ['warning: 2 of 3 tables of the subscription "Or""der" wait for their first copy, and no worker copies any.'],
  ],
  ['is of another database', { tables: null, tables_not_ready: null }, []],
  ['waits for a quiet publisher', { message_age_s: 60 }, []],
  ['is behind', { message_age_s: 61 }, ['warning: The subscription "Or""der" is at what its publisher sent 61 s ago.']],
  ['has heard of nothing yet', { message_age_s: null }, []],
  [
    'differs',
    { conflicts: { update_missing: 1, delete_missing: 0, insert_exists: 9 } },
    ['notice: 1 change of the subscription "Or""der" had no row to change here, so that the tables differ.'],
  ],
  ['counts no conflicts', { conflicts: null }, []],
  [
    'does not work',
    { pid: null, worker_s: null, message_age_s: null, tables_not_ready: 3 },
    ['warning: No worker applies changes for the subscription "Or""der".'],
  ],
  [
    'is disabled',
    { enabled: false, pid: null, tables_not_ready: 3 },
    ['notice: The subscription "Or""der" is disabled, and its slot on the publisher keeps WAL.'],
  ],
])('judges a subscription that %s', (_, row, claims) => {
  expect(judge(row)).toEqual(claims);
});

it('calls nothing late where nobody asks for signs of life, or later than those come', () => {
  expect(judge({ message_age_s: 1000 }, { wal_receiver_timeout_s: 0 })).toEqual([]);
  expect(judge({ message_age_s: 290 }, { wal_receiver_timeout_s: 300 })).toEqual([]);
  expect(judge({ message_age_s: 301 }, { wal_receiver_timeout_s: 300 })).toHaveLength(1);
});

it('judges no subscription of a standby, where none has a worker', () => {
  expect(judge({ pid: null }, { standby: true })).toEqual([]);
});
