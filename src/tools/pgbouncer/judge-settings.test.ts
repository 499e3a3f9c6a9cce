import { describe, expect, it } from 'vitest';
import type { Budget } from './budget.ts';
import { judgeBudgets, judgeSetup, type Passage } from './judge-settings.ts';

const budget: Budget = {
  pooler: 'main',
  host: 'db',
  port: 5432,
  databases: 2,
  pools: 4,
  possible: 97,
  possible_all: 97,
  this_server: true,
  sessions: [],
  of: [],
};
const room = { max: 100, reserved: 3, used: 10 };

const here = (possible: number, more: Partial<Budget> = {}): Budget => {
  return { ...budget, possible, possible_all: possible, ...more };
};
const claimOf = (possible: number) =>
  `warning: The pools may open ${possible} connections to the server, which has 97 for them.`;

describe('the connections of the server', () => {
  it.each<[string, Budget[], string[]]>([
    ['are as many as the pools may open', [here(97)], []],
    ['are one too few', [here(98)], [claimOf(98)]],
    ['are shared by all poolers', [here(60), here(60, { pooler: 'spare' })], [claimOf(120)]],
    ['are not for pools of another server', [here(60), here(60, { this_server: false })], []],
    ['are not counted against pools that may be of another', [here(200, { this_server: null })], []],
    [
      'would be too few if everybody came',
      [here(97, { possible_all: 98 })],
      [
        'notice: If all databases of the poolers were used, their pools might open 98 connections to the server, which has 97.',
      ],
    ],
  ])('%s', (_, budgets, findings) => {
    expect(judgeBudgets(budgets, room).map(({ severity, claim }) => `${severity}: ${claim}`)).toEqual(findings);
  });

  it('are not judged where they are not known', () => {
    expect(judgeBudgets([{ ...budget, possible: 1000 }], undefined)).toEqual([]);
  });
});

const sound = { pool_mode: 'transaction', auth_type: 'scram-sha-256', listen_addr: '*', query_wait_timeout: '120' };
const judge = (config: Readonly<Record<string, string | null>>, through?: Passage) =>
  judgeSetup({ pooler: 'main', config: new Map(Object.entries({ ...sound, ...config })), through });

describe('a pooler', () => {
  it('that is set as it comes is in order', () => {
    expect(judge({ server_reset_query: 'DISCARD ALL' })).toEqual([]);
  });

  it.each([
    ['trust', '*', 1],
    ['any', '127.0.0.1, 10.0.0.1', 1],
    ['trust', '127.0.0.1,::1,localhost', 0],
    ['trust', null, 0],
    ['md5', '*', 0],
  ])('with auth_type %s listens on %s', (auth_type, listen_addr, count) => {
    expect(judge({ auth_type, listen_addr }).map(({ severity }) => severity)).toEqual(Array(count).fill('warning'));
  });

  it.each([
    ['session', null, 1],
    ['session', 'DISCARD ALL', 0],
    ['transaction', null, 0],
  ])('in %s mode resets a connection by %s', (pool_mode, server_reset_query, count) => {
    expect(judge({ pool_mode, server_reset_query })).toHaveLength(count);
  });

  it('lets nobody wait without end', () => {
    expect(judge({ query_wait_timeout: '0' })).toMatchObject([{ severity: 'notice' }]);
  });
});

const passage = (poolMode: string | null, pooling: Passage['pooling']): Passage => {
  return { server: 'shop', database: 'Order', poolMode, pooling };
};

describe('the way of Howdah through a pooler', () => {
  it.each([
    ['transaction', 'transaction'],
    ['session', 'session'],
    [null, 'session'],
  ] as const)('is in %s mode as its configuration says %s', (mode, pooling) => {
    expect(judge({}, passage(mode, pooling))).toEqual([]);
  });

  it.each([
    ['transaction', 'session', 'warning', 'servers.shop.pooling: transaction'],
    ['session', 'transaction', 'notice', 'servers.shop.pooling: session'],
    ['statement', 'session', 'warning', 'servers.shop.url'],
    ['statement', 'transaction', 'warning', 'servers.shop.url'],
  ] as const)('is in %s mode while its configuration says %s', (mode, pooling, severity, step) => {
    expect(judge({}, passage(mode, pooling))).toMatchObject([
      { severity, object: '"Order"', next_step: expect.stringContaining(step) },
    ]);
  });
});
