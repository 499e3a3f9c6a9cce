import { describe, expect, it } from 'vitest';
import { consoleRows, type ConsoleRow } from '../../postgres/console-rows.ts';
import { budgetsOf, markServer, type Configured } from './budget.ts';
import type { DatabaseEntry, UserEntry } from './views.ts';

function rowsOf(...rows: readonly Readonly<Record<string, string>>[]): ConsoleRow[] {
  return rows.flatMap((row) =>
    consoleRows({
      fields: Object.keys(row).map((name) => ({ name, typeOid: 25 })),
      rows: [Object.values(row)],
      command: 'SHOW',
    }),
  );
}

const entry: DatabaseEntry = {
  name: 'shop',
  serverDatabase: 'shop',
  host: 'db',
  port: 5432,
  forceUser: null,
  poolMode: null,
  poolSize: null,
  reservePoolSize: null,
  maxConnections: null,
  connections: 0,
  maxClients: null,
  clients: 0,
  paused: false,
  disabled: false,
};
const user: UserEntry = {
  name: 'app',
  poolSize: null,
  reservePoolSize: null,
  poolMode: null,
  maxConnections: null,
  connections: 0,
};

interface Given {
  readonly databases?: readonly Partial<DatabaseEntry>[];
  readonly users?: readonly Partial<UserEntry>[];
  readonly pools?: readonly (readonly [database: string, user: string])[];
  readonly servers?: readonly (readonly [database: string, pid: number])[];
}

function configured({ databases = [{}], users = [], pools = [], servers = [] }: Given): Configured {
  const entries = databases.map((more) => ({ ...entry, ...more }));
  return {
    pooler: 'main',
    databases: new Map(entries.map((each) => [each.name, each])),
    users: new Map(users.map((more) => ({ ...user, ...more })).map((each) => [each.name, each])),
    config: new Map([
      ['default_pool_size', '20'],
      ['reserve_pool_size', '5'],
    ]),
    pools: rowsOf(...pools.map(([database, of]) => ({ database, user: of }))),
    servers: rowsOf(...servers.map(([database, pid]) => ({ database, remote_pid: String(pid) }))),
  };
}

const possible = (given: Given) => budgetsOf(configured(given)).map((budget) => budget.possible_all);

describe('what pools may open', () => {
  it.each<[string, Given, number]>([
    ['one of the default size and its reserve for a database without any', {}, 25],
    [
      'one for each user who has come',
      {
        pools: [
          ['shop', 'app'],
          ['shop', 'web'],
        ],
      },
      50,
    ],
    ['the size and the reserve of the database', { databases: [{ poolSize: 3, reservePoolSize: 1 }] }, 4],
    [
      'the size of the user before that',
      { databases: [{ poolSize: 3 }], users: [{ poolSize: 7 }], pools: [['shop', 'app']] },
      12,
    ],
    [
      'no more than the database may have',
      {
        databases: [{ maxConnections: 30 }],
        pools: [
          ['shop', 'app'],
          ['shop', 'web'],
        ],
      },
      30,
    ],
    [
      'no more than the user may have, over all databases',
      {
        databases: [{}, { name: 'stock' }],
        users: [{ maxConnections: 10 }],
        pools: [
          ['shop', 'app'],
          ['stock', 'app'],
        ],
      },
      10,
    ],
    [
      'nothing of a pool of another database',
      {
        pools: [
          ['gone', 'app'],
          ['shop', 'app'],
        ],
      },
      25,
    ],
  ])('is %s', (_, given, connections) => {
    expect(possible(given)).toEqual([connections]);
  });

  it('is told of the pools that there are, too', () => {
    const given: Given = { databases: [{}, { name: 'stock' }], pools: [['shop', 'app']] };
    expect(budgetsOf(configured(given))).toMatchObject([{ databases: 2, pools: 1, possible: 25, possible_all: 50 }]);
    expect(budgetsOf(configured({}))).toMatchObject([{ pools: 0, possible: 0, possible_all: 25 }]);
  });

  it('is summed up by the address that it goes to', () => {
    const databases = [{}, { name: 'ro', host: 'replica' }, { name: 'stock' }, { name: 'old', port: 5433 }];
    expect(
      budgetsOf(configured({ databases })).map((budget) => [
        budget.host,
        budget.port,
        budget.databases,
        budget.possible_all,
      ]),
    ).toEqual([
      ['db', 5432, 2, 50],
      ['replica', 5432, 1, 25],
      ['db', 5433, 1, 25],
    ]);
  });
});

describe('the server that was asked', () => {
  const databases = [{}, { name: 'ro', host: 'replica' }, { name: 'old', host: 'attic' }];
  const servers = [
    ['shop', 11],
    ['ro', 22],
  ] as const;

  it('is the only one that there is', () => {
    expect(markServer(budgetsOf(configured({})), new Set()).map((budget) => budget.this_server)).toEqual([true]);
  });

  it('is the one that knows the sessions, where there are several', () => {
    const marked = markServer(budgetsOf(configured({ databases, servers })), new Set([11]));
    expect(marked.map((budget) => [budget.host, budget.this_server])).toEqual([
      ['db', true],
      ['replica', false],
      ['attic', null],
    ]);
  });

  it('is none that can be told where it knows none of the sessions', () => {
    const marked = markServer(budgetsOf(configured({ databases, servers })), new Set());
    expect(marked.map((budget) => budget.this_server)).toEqual([null, null, null]);
  });

  it('is asked for sessions by the names that it has for databases', () => {
    const [budget] = budgetsOf(configured({ databases: [{ serverDatabase: 'orders' }], servers: [['shop', 11]] }));
    expect(budget?.sessions).toEqual([{ pid: 11, database: 'orders' }]);
  });
});
