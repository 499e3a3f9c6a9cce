/** What the consoles of other versions show than the one that the tests of the tools start. */
import { describe, expect, it } from 'vitest';
import { PlatformError } from '../../core/errors.ts';
import type { ConsoleSession, ConsoleView } from '../../postgres/console.ts';
import { readClients } from './clients.ts';
import { readPools } from './pools.ts';

type Views = Partial<Readonly<Record<ConsoleView, string>>>;

/** Views as tables: the names of the columns, then the rows, separated by |. */
function sessionOf(version: string, views: Views): ConsoleSession & { readonly asked: ConsoleView[] } {
  const asked: ConsoleView[] = [];
  return {
    version,
    asked,
    show: (view) => {
      asked.push(view);
      const text = views[view];
      if (text === undefined)
        return Promise.reject(new PlatformError('QUERY_FAILED', `invalid command 'SHOW ${view}'`));
      const [header = [], ...rows] = text
        .trim()
        .split('\n')
        .map((line) => line.split('|').map((cell) => cell.trim()));
      return Promise.resolve({ fields: header.map((name) => ({ name, typeOid: 25 })), rows, command: 'SHOW' });
    },
  };
}

const pooler = {
  name: 'main',
  address: 'stats@pooler:6432/pgbouncer',
  isOnTheWay: false,
  read: () => Promise.reject(new Error('it is asked by way of its session')),
};
const everything = () => true;

const OLD: Views = {
  databases: `
    name|host|port|database|force_user|pool_size|min_pool_size|reserve_pool|pool_mode|max_connections|current_connections|paused|disabled
    pgbouncer||6432|pgbouncer|pgbouncer|2|0|0|statement|0|0|0|0
    shop|db|5432|orders||20|0|5|transaction|0|3|1|0`,
  users: `
    name|pool_mode
    app|`,
  config: `
    key|value|default|changeable
    default_pool_size|20|20|yes
    max_client_conn|100|100|yes`,
  lists: `
    list|items
    used_clients|7
    used_servers|3`,
  pools: `
    database|user|cl_active|cl_waiting|cl_cancel_req|sv_active|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|pool_mode
    pgbouncer|pgbouncer|1|0|0|0|0|0|0|0|0|0|statement
    shop|app|4|2|1|3|0|0|0|0|2|500000|transaction`,
};

const NEW: Views = {
  databases: `
    name|host|port|database|force_user|pool_size|min_pool_size|reserve_pool_size|server_lifetime|pool_mode|load_balance_hosts|max_connections|current_connections|max_client_connections|current_client_connections|paused|disabled
    shop|db|5432|orders||20|0|5|3600|||30|3|50|44|0|0`,
  users: `
    name|pool_size|reserve_pool_size|pool_mode|max_user_connections|current_connections|max_user_client_connections|current_client_connections
    app|        7|        1||12|3|0|44
    web||||0|0|0|0`,
  config: OLD.config ?? '',
  lists: OLD.lists ?? '',
  state: `
    key|value
    active|no
    paused|yes
    suspended|no`,
  pools: `
    database|user|cl_active|cl_waiting|cl_active_cancel_req|cl_waiting_cancel_req|sv_active|sv_active_cancel|sv_being_canceled|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|pool_mode|load_balance_hosts
    shop|app|4|2|1|2|3|1|1|0|0|0|0|2|500000|transaction|
    shop|web|0|0|0|0|0|0|0|0|0|0|0|0|0|transaction|`,
};

describe('pools', () => {
  it('of 1.16 are read by the columns that it has, and no command is tried that it lacks', async () => {
    const session = sessionOf('1.16.1', OLD);
    const { pools, databases, pooler: told } = await readPools(session, pooler, everything);
    expect(session.asked).not.toContain('state');
    expect(told).toMatchObject({
      version: '1.16.1',
      state: null,
      clients: 7,
      max_client_conn: 100,
      server_connections: 3,
    });
    expect(databases).toMatchObject([
      { database: 'shop', server_database: 'orders', max_connections: null, clients: null, paused: true },
    ]);
    expect(pools).toMatchObject([
      {
        database: 'shop',
        server_database: 'orders',
        maxwait_s: 2.5,
        cl_cancel_req: 1,
        sv_cancel: null,
        pool_size: 20,
        reserve_pool_size: 5,
        paused: true,
        of_database: { used: 3, max: null },
        of_user: { used: null, max: null },
      },
    ]);
  });

  it('of 1.24 are read with the limits of users, and the state of the whole', async () => {
    const { pools, databases, pooler: told } = await readPools(sessionOf('1.24.1', NEW), pooler, everything);
    expect(told.state).toBe('paused');
    expect(databases).toMatchObject([{ max_connections: 30, connections: 3, max_clients: 50, clients: 44 }]);
    expect(pools).toMatchObject([
      {
        user: 'app',
        cl_cancel_req: 3,
        sv_cancel: 2,
        pool_size: 7,
        reserve_pool_size: 1,
        of_user: { used: 3, max: 12 },
      },
      { user: 'web', pool_size: 20, reserve_pool_size: 5, of_user: { used: 0, max: null } },
    ]);
  });
});

describe('clients', () => {
  const databases = OLD.databases ?? '';
  const columns =
    'type|user|database|state|addr|port|local_addr|local_port|connect_time|request_time|wait|wait_us|close_needed|ptr|link|remote_pid|tls';

  it('of 1.16, which knows no application, are read all the same', async () => {
    const session = sessionOf('1.16.1', {
      databases,
      clients: `
        ${columns}
        C|stats|pgbouncer|active|10.0.0.9|1|10.0.0.1|6432|2026-11-30 12:00:00 UTC|2026-11-30 12:00:30 UTC|0|0|0|0x9|||
        C|app|shop|active|10.0.0.1|50|10.0.0.1|6432|2026-11-30 12:00:00 UTC|2026-11-30 12:00:10 UTC|0|0|0|0x1|0xa||
        C|app|shop|waiting|::1|51|10.0.0.1|6432|2026-11-30 12:00:00 UTC|2026-11-30 12:00:20 UTC|10|250000|0|0x2|||
        C|app|shop|waiting|unix|6432|unix|6432|2026-11-30 12:00:00 UTC|2026-11-30 12:00:21 UTC|9|0|0|0x3|||
        C|(nouser)|(nodb)|active_cancel_req|10.0.0.3|52|10.0.0.1|6432|2026-11-30 12:00:00 UTC|2026-11-30 12:00:00 UTC|0|0|0|0x4|||`,
      servers: `
        ${columns}
        S|postgres|shop|active|10.0.0.5|5432|10.0.0.1|4000|2026-11-30 12:00:00 UTC|2026-11-30 12:00:10 UTC|0|0|0|0xa|0x1|4711|
        S|postgres|shop|idle|10.0.0.5|5432|10.0.0.1|4001|2026-11-30 12:00:00 UTC|2026-11-30 12:00:10 UTC|0|0|0|0xb||4712|`,
    });
    const { rows, waiting, holding } = await readClients(session, pooler, everything);
    expect(
      rows.map((row) => [row.kind, row.state, row.database, row.user, row.connections, row.longest_wait_s]),
    ).toEqual([
      ['client', 'active', 'shop', 'app', 1, null],
      ['client', 'waiting', 'shop', 'app', 2, 10.25],
      ['client', 'active_cancel_req', null, null, 1, null],
      ['server', 'active', 'shop', 'postgres', 1, null],
      ['server', 'idle', 'shop', 'postgres', 1, null],
    ]);
    expect(waiting.map((row) => [row.client_address, row.wait_s])).toEqual([
      ['[::1]:51', 10.25],
      ['unix', 9],
    ]);
    expect(holding).toEqual([
      {
        pooler: 'main',
        database: 'shop',
        server_database: 'orders',
        user: 'app',
        application: null,
        client_address: '10.0.0.1:50',
        server_pid: 4711,
        statement_s: null,
        silent_s: 20,
      },
    ]);
  });
});
