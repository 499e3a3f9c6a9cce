import { describe, expect, it } from 'vitest';
import { judgePools } from './judge-pools.ts';
import type { DatabaseRow, PoolerRow } from './pool-row.ts';
import type { Pool } from './pools.ts';

const pooler: PoolerRow = {
  pooler: 'main',
  address: 'stats@pooler:6432/pgbouncer',
  version: '1.24.1',
  state: 'active',
  clients: 10,
  max_client_conn: 100,
  server_connections: 4,
};

const pool: Pool = {
  pooler: 'main',
  database: 'Order',
  server_database: 'orders',
  user: 'app',
  pool_mode: 'transaction',
  cl_active: 3,
  cl_waiting: 0,
  cl_cancel_req: 0,
  maxwait_s: 0,
  sv_active: 2,
  sv_idle: 2,
  sv_used: 0,
  sv_tested: 0,
  sv_login: 0,
  sv_cancel: 0,
  pool_size: 20,
  reserve_pool_size: 0,
  paused: false,
  of_database: { used: 4, max: null },
  of_user: { used: 4, max: null },
};

const database: DatabaseRow = {
  pooler: 'main',
  database: 'Order',
  server_database: 'orders',
  connections: 4,
  max_connections: null,
  clients: 3,
  max_clients: null,
  paused: false,
  disabled: false,
};

const THRESHOLDS = { max_wait_s: 1, max_clients_percent: 80 };

interface Changes {
  readonly pool?: Partial<Pool>;
  readonly pooler?: Partial<PoolerRow>;
  readonly database?: Partial<DatabaseRow>;
}

const judge = (changes: Changes) =>
  judgePools(
    [
      {
        pooler: { ...pooler, ...changes.pooler },
        pools: [{ ...pool, ...changes.pool }],
        databases: [{ ...database, ...changes.database }],
      },
    ],
    THRESHOLDS,
  );
const told = (changes: Changes) => judge(changes).map(({ severity, claim }) => `${severity}: ${claim}`);

it('finds nothing where nobody waits', () => {
  expect(judge({})).toEqual([]);
});

describe('clients that wait', () => {
  const waiting = { cl_waiting: 3, maxwait_s: 4.2, sv_idle: 0 };

  it.each([
    ['not for longer than the threshold', { maxwait_s: 1 }, []],
    ['for longer', { maxwait_s: 1.01 }, ['warning']],
    ['ten times as long as the threshold', { maxwait_s: 10 }, ['warning']],
    ['beyond that', { maxwait_s: 10.1 }, ['critical']],
    ['no more', { cl_waiting: 0, maxwait_s: 30 }, []],
  ])('are judged by how long they have waited: %s', (_, more, severities) => {
    expect(judge({ pool: { ...waiting, ...more } }).map(({ severity }) => severity)).toEqual(severities);
  });

  it.each<[string, Changes, string]>([
    ['the pool is full', { pool: { sv_active: 20 } }, 'all 20 of the pool are in use.'],
    ['its only connection is in use', { pool: { sv_active: 1, pool_size: 1 } }, 'the only one of the pool is in use.'],
    [
      'the database may have no more',
      { pool: { of_database: { used: 8, max: 8 } } },
      'the database has the 8 that it may have.',
    ],
    ['the user may have no more', { pool: { of_user: { used: 5, max: 5 } } }, 'the user has the 5 that it may have.'],
    ['none could be opened', { pool: { sv_active: 0, sv_login: 1 } }, 'none is open.'],
    ['the database is paused', { pool: { paused: true }, database: { paused: true } }, 'the database is paused.'],
  ])('are told of with the cause, once: %s', (_, changes, cause) => {
    expect(told({ ...changes, pool: { ...waiting, ...changes.pool } })).toEqual([
      `warning: 3 clients wait for a server connection of "Order", the first for 4 s; ${cause}`,
    ]);
  });

  it('lead to what holds the connections, by the name that the server knows', () => {
    const [finding] = judge({ pool: { ...waiting, server_database: "o'rders" } });
    expect(finding).toMatchObject({
      object: '"Order"',
      evidence: { pooler: 'main', user: 'app', cl_waiting: 3, maxwait_s: 4.2, pool_size: 20, servers: 2 },
      next_step: expect.stringContaining(`datname = 'o''rders'`),
    });
  });

  it('are told of together where there are many pools of them', () => {
    const pools = Array.from({ length: 8 }, (_, i) => ({
      ...pool,
      ...waiting,
      database: `shop_${i}`,
      maxwait_s: 2 + i,
    }));
    const findings = judgePools([{ pooler, pools, databases: [] }], THRESHOLDS);
    expect(findings).toMatchObject([
      {
        claim: 'Clients wait for a server connection in 8 pools.',
        evidence: { count: 8, all: expect.stringMatching(/^"shop_7", "shop_6", /) },
      },
    ]);
  });
});

describe('pools', () => {
  it.each<[string, Partial<Pool>, string[]]>([
    ['one is left', { sv_active: 19, sv_idle: 1 }, []],
    [
      'none is left',
      { sv_active: 20, sv_idle: 0 },
      ['notice: All 20 server connections of a pool of "Order" are in use: the next client waits.'],
    ],
    [
      'the only one is taken',
      { sv_active: 1, pool_size: 1 },
      ['notice: The only server connection of a pool of "Order" is in use: the next client waits.'],
    ],
    ['there is no limit that is known', { sv_active: 20, pool_size: null }, []],
    [
      'the reserve is open',
      { sv_idle: 19, reserve_pool_size: 5 },
      ['notice: 1 server connection of the reserve of "Order" is open: clients had to wait.'],
    ],
    ['only cancel requests are beyond its size', { sv_idle: 18, sv_cancel: 3, reserve_pool_size: 5 }, []],
    ['there is no reserve', { sv_idle: 19, reserve_pool_size: 0 }, []],
  ])('are full or not: %s', (_, changes, findings) => {
    expect(told({ pool: changes })).toEqual(findings);
  });
});

describe('what somebody has stopped', () => {
  it('is a database', () => {
    expect(judge({ database: { paused: true } })).toMatchObject([
      { severity: 'warning', object: '"Order"', next_step: expect.stringMatching(/^-- .*\nRESUME "Order";$/) },
    ]);
    expect(judge({ database: { disabled: true } })).toMatchObject([
      { severity: 'warning', next_step: expect.stringMatching(/\nENABLE "Order";$/) },
    ]);
  });

  it.each(['paused', 'suspended'] as const)('is the whole pooler, which is told once: %s', (state) => {
    const waiting = { cl_waiting: 2, maxwait_s: 30 };
    expect(judge({ pooler: { state }, pool: waiting })).toMatchObject([
      {
        severity: 'critical',
        claim: `The PgBouncer "main" is ${state}: nobody gets a server connection.`,
        evidence: { waiting: 2, longest_wait_s: 30 },
        next_step: expect.stringMatching(/\nRESUME;$/),
      },
    ]);
    expect(judge({ pooler: { state } })).toMatchObject([{ severity: 'warning' }]);
  });
});

describe('clients that PgBouncer lets in', () => {
  it.each([
    [79, []],
    [80, ['warning']],
    [95, ['critical']],
    [null, []],
  ])('are nearly too many at %s of 100', (clients, severities) => {
    expect(judge({ pooler: { clients } }).map(({ severity }) => severity)).toEqual(severities);
    const ofDatabase = judge({ database: { clients, max_clients: 100 } });
    expect(ofDatabase.map(({ severity, object }) => [severity, object])).toEqual(
      severities.map((each) => [each, '"Order"']),
    );
  });

  it('are not counted against a limit that there is not', () => {
    expect(judge({ pooler: { max_client_conn: null }, database: { clients: 1000 } })).toEqual([]);
  });
});
