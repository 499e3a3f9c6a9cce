import { execFile } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PlatformError } from '../src/core/errors.ts';
import type { Database } from '../src/postgres/database.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import type { ConnectionTarget } from '../src/postgres/target.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from './pgbouncer.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from './postgres/each-major.ts';
import { runSql, type Instance } from './postgres/instance.ts';
import { failureOf, inSession, rowsOf, statement, targetOf } from './session-kit.ts';

const pools: Pool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function open(target: ConnectionTarget, permits = createPermits(1)): Pool {
  const pool = openPool(target, { permits });
  pools.push(pool);
  return pool;
}

async function pidOf(database: Database, timeoutMs = 10_000): Promise<number> {
  const [row] = await rowsOf(database, 'select pg_backend_pid() as pid', { timeoutMs });
  return Number(row?.['pid']);
}

function failureAt(url: string, overrides: Partial<ConnectionTarget> = {}, timeoutMs = 10_000): Promise<PlatformError> {
  return failureOf(pidOf(open(targetOf(url, overrides)), timeoutMs));
}

async function connectionsTo(instance: Instance, database: string): Promise<number> {
  const count = `select count(*)::int as n from pg_stat_activity where datname = '${database}' and application_name like 'howdah%'`;
  return ((await runSql(instance, 'postgres', count)).rows[0] as { n: number }).n;
}

describe('a pool', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  const other = useClone(cluster);
  const target = (overrides?: Partial<ConnectionTarget>) => targetOf(clone().superuserUrl, overrides);

  it('connects at its first use, and uses the connection again', async () => {
    const pool = open(target(), createPermits(4));
    expect(pool.stats()).toEqual({ inUse: 0, idle: 0, waiting: 0, limit: 4 });
    const pids = new Set<number>();
    for (let i = 0; i < 5; i++) pids.add(await pidOf(pool));
    expect(pids.size).toBe(1);
    expect(pool.stats()).toEqual({ inUse: 0, idle: 1, waiting: 0, limit: 4 });
  });

  it('never opens more connections than it has permits, over all databases and logins', async () => {
    const permits = createPermits(3);
    const logins = [clone().superuserUrl, other().superuserUrl, clone().monitorUrl].map((url) =>
      open(targetOf(url), permits),
    );
    let most = 0;
    let inUse = 0;
    const calls = Array.from({ length: 30 }, (_, i) => {
      const pool = logins[i % 3] ?? logins[0];
      if (!pool) throw new Error('no pool');
      return inSession(pool, async (session) => {
        most = Math.max(most, ++inUse);
        await session.query(statement('select pg_sleep(0.01)'));
        inUse--;
      });
    });
    await Promise.all(calls);
    expect(most).toBe(3);
    const open3 = (await connectionsTo(cluster, clone().name)) + (await connectionsTo(cluster, other().name));
    expect(open3).toBeLessThanOrEqual(3);
  });

  it('gives up an idle connection for another database of the server', async () => {
    const permits = createPermits(1);
    const [first, second] = [open(target(), permits), open(targetOf(other().superuserUrl), permits)];
    await pidOf(first);
    await pidOf(second);
    expect([first.stats().idle, second.stats().idle]).toEqual([0, 1]);
    expect(await connectionsTo(cluster, clone().name)).toBe(0);
  });

  it('serves those who wait in turn', async () => {
    const permits = createPermits(1);
    const [first, second] = [open(target(), permits), open(targetOf(other().superuserUrl), permits)];
    const order: string[] = [];
    const call = (pool: Pool, name: string) =>
      inSession(pool, async (session) => {
        order.push(name);
        await session.query(statement('select pg_sleep(0.02)'));
      });
    await Promise.all([call(first, 'a'), call(first, 'b'), call(second, 'c'), call(first, 'd'), call(second, 'e')]);
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('says that all connections are in use when the deadline comes first', async () => {
    const pool = open(target());
    const busy = rowsOf(pool, 'select pg_sleep(1)');
    const failure = await failureOf(rowsOf(pool, 'select 1', { timeoutMs: 200 }));
    expect(failure).toMatchObject({ code: 'TIMEOUT', details: { connections: 1 } });
    expect(failure.message).toMatch(/^All 1 connections to the server were in use for \d+ ms\.$/);
    const caller = new AbortController();
    const leaving = failureOf(rowsOf(pool, 'select 1', { caller: caller.signal }));
    setTimeout(() => caller.abort(), 50);
    expect((await leaving).code).toBe('CANCELLED');
    await busy;
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1, waiting: 0 });
    expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('closes what nobody has used for a while', async () => {
    const pool = open(target(), createPermits(2, { idleMs: 100 }));
    await pidOf(pool);
    await expect.poll(() => pool.stats().idle).toBe(0);
    await expect.poll(() => connectionsTo(cluster, clone().name)).toBe(0);
    expect(await pidOf(pool)).toBeGreaterThan(0);
  });

  it('uses no connection longer than its lifetime', async () => {
    const pool = open(target(), createPermits(1, { lifetimeMs: 150 }));
    const pid = await pidOf(pool);
    await sleep(200);
    await pidOf(pool);
    expect(await pidOf(pool)).not.toBe(pid);
  });

  it('drops an idle connection that the server has ended', async () => {
    const pool = open(target());
    const pid = await pidOf(pool);
    await runSql(cluster, 'postgres', `select pg_terminate_backend(${pid})`);
    await expect.poll(() => pool.stats().idle).toBe(0);
    expect(await pidOf(pool)).not.toBe(pid);
  });

  it('frees the permit of a connection that breaks while in use', async () => {
    const pool = open(target());
    const call = failureOf(rowsOf(pool, 'select pg_terminate_backend(pg_backend_pid())'));
    expect((await call).code).toBe('SERVER_UNREACHABLE');
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 0 });
    expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('is closed within about a second, whatever runs, and stays closed', async () => {
    const pool = openPool(target(), { permits: createPermits(2) });
    await Promise.all([pidOf(pool), pidOf(pool)]);
    const running = failureOf(rowsOf(pool, 'select pg_sleep(30)'));
    await sleep(100);
    const at = performance.now();
    await pool.close();
    expect(performance.now() - at).toBeLessThan(2000);
    expect(await connectionsTo(cluster, clone().name)).toBe(0);
    expect((await running).code).toBe('UNAVAILABLE');
    expect((await failureOf(rowsOf(pool, 'select 1'))).code).toBe('UNAVAILABLE');
  });

  it('turns away who waits when it is closed', async () => {
    const permits = createPermits(1);
    const [first, second] = [open(target(), permits), openPool(target(), { permits })];
    const busy = rowsOf(first, 'select pg_sleep(0.3)');
    const waiting = failureOf(rowsOf(second, 'select 1'));
    await sleep(50);
    await second.close();
    expect((await waiting).code).toBe('UNAVAILABLE');
    await busy;
    expect(await rowsOf(first, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('does not keep a process alive once it is closed', async () => {
    const source = (file: string) => JSON.stringify(new URL(`../src/${file}`, import.meta.url).href);
    const script = `
      const { createPermits, openPool } = await import(${source('postgres/pool.ts')});
      const { parseTarget } = await import(${source('postgres/target.ts')});
      const { startDeadline } = await import(${source('core/deadline.ts')});
      const pool = openPool(parseTarget(process.argv[1], { env: {} }), { permits: createPermits(2) });
      const deadline = startDeadline(5000, new AbortController().signal);
      const options = { deadline, applicationName: 'x', isolation: 'read committed', lockTimeoutMs: 300 };
      await pool.readOnly(options, (session) => session.query({ text: 'select 1', params: [] }));
      deadline.clear();
      await pool.close();
      console.log('done');`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script, clone().superuserUrl];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
    expect(stdout).toBe('done\n');
  });
});

describeEachMajor('a login', (cluster) => {
  const clone = useClone(cluster);

  it('says when there is no such database', async () => {
    const failure = await failureOf(pidOf(open(targetOf(clone().superuserUrl, { database: 'nowhere' }))));
    expect(failure).toMatchObject({ code: 'NOT_FOUND', details: { sqlstate: '3D000' } });
    expect(failure.message).toBe(`127.0.0.1:${cluster.port} has no such database: database "nowhere" does not exist.`);
  });

  it('says that the password is wrong, and never what it was', async () => {
    const url = new URL(clone().superuserUrl);
    url.password = 'Tr0ub4dor';
    const failure = await failureOf(pidOf(open(targetOf(url.href))));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '28P01' } });
    expect(failure.message).toBe(
      `127.0.0.1:${cluster.port} refuses the login: password authentication failed for user "postgres".`,
    );
    expect(`${JSON.stringify(failure)} ${failure.stack} ${String(failure.cause)}`).not.toContain('Tr0ub4dor');
  });

  it('says that a password is wanted when there is none', async () => {
    const failure = await failureOf(pidOf(open(targetOf(`postgres://postgres@127.0.0.1:${cluster.port}/postgres`))));
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toContain('asks for a password, and none is known for user "postgres"');
  });

  it('says when the role has used up its connections, and what can be done', async () => {
    await runSql(cluster, 'postgres', `create role few login password 'few' connection limit 1`);
    const url = new URL(clone().superuserUrl);
    url.username = url.password = 'few';
    const permits = createPermits(2);
    const pool = open(targetOf(url.href), permits);
    try {
      const busy = rowsOf(pool, 'select pg_sleep(0.5)');
      await sleep(200);
      const failure = await failureOf(rowsOf(pool, 'select 1'));
      expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '53300' } });
      expect(failure.message).toContain('has no room for a connection: too many connections for role "few"');
      expect(failure.hint).toContain('connection slots');
      await busy;
      expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
    } finally {
      await pool.close();
      await expect
        .poll(() => runSql(cluster, 'postgres', 'drop role few').then(() => 'dropped', String))
        .toBe('dropped');
    }
  });

  it('works by the Unix socket', async () => {
    const target = targetOf(`postgres://postgres@/${clone().name}?host=${cluster.socketDir}&port=${cluster.port}`);
    expect(await pidOf(open(target))).toBeGreaterThan(0);
  });
});

describe('a login', () => {
  const cluster = newestCluster();
  const refused = { host: '127.0.0.1', port: 1 };
  const impostors: Server[] = [];
  afterEach(async () => {
    await Promise.all(impostors.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  /** Something else that listens on a port, and answers whatever it is told with `answer`. */
  async function startImpostor(answer: string | undefined): Promise<{ host: string; port: number }> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => answer !== undefined && socket.end(answer));
    });
    impostors.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  it.each([
    ['nothing listens', 'postgres://x@127.0.0.1:1/x', '127.0.0.1:1 refuses connections: nothing listens there.'],
    ['there is no socket', 'postgres://x@/x?host=/nonexistent&port=1', '/nonexistent/.s.PGSQL.1 does not exist.'],
    ['there is no such host', 'postgres://x@host.invalid:1/x', /^host\.invalid:1 has a host name that/],
  ])('says that %s', async (_, url, message) => {
    const failure = await failureAt(url);
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toMatch(message);
    expect(failure.hint).toBeTypeOf('string');
  });

  it.each([
    ['does not speak its protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['closed the connection before it was ready', ''],
    ['could not be logged in to: Unknown authenticationOk message type 7', 'R\0\0\0\x08\0\0\0\x07'],
  ])('says that the other side %s', async (message, answer) => {
    const at = await startImpostor(answer);
    const failure = await failureAt('postgres://x@h/x?sslmode=disable', { hosts: [at] });
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toContain(message.replace('its protocol', "PostgreSQL's protocol"));
  });

  it('waits for an answer no longer than connect_timeout', async () => {
    const at = await startImpostor(undefined);
    const begun = performance.now();
    const failure = await failureAt('postgres://x@h/x', { hosts: [at], connectTimeoutMs: 200 });
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(failure.message).toContain('did not answer within 200 ms');
  });

  it('ends at the deadline of the call', async () => {
    const at = await startImpostor(undefined);
    const failure = await failureAt('postgres://x@h/x', { hosts: [at] }, 200);
    expect(failure.code).toBe('TIMEOUT');
  });

  it('says that the server does not offer TLS when it is required', async () => {
    const failure = await failureAt(`${cluster.superuserUrl}?sslmode=require`);
    expect(failure.message).toContain('cannot be spoken to encrypted: the server does not offer TLS');
    expect(await pidOf(open(targetOf(`${cluster.superuserUrl}?sslmode=prefer`)))).toBeGreaterThan(0);
  });

  it('goes on to the next host when one cannot be reached', async () => {
    const { hosts } = targetOf(cluster.superuserUrl);
    const pool = open(targetOf(cluster.superuserUrl, { hosts: [refused, ...hosts] }));
    expect(await pidOf(pool)).toBeGreaterThan(0);
  });

  it('names every host that it has tried', async () => {
    const hosts = [refused, { host: '/nonexistent', port: 2 }];
    const failure = await failureAt(cluster.superuserUrl, { hosts });
    expect(failure.message).toBe(
      'None of the hosts can be used: 127.0.0.1:1 refuses connections: nothing listens there. /nonexistent/.s.PGSQL.2 does not exist.',
    );
  });

  it('does not offer a refused password to the next host', async () => {
    const wrong = new URL(cluster.superuserUrl);
    wrong.password = 'wrong';
    const { hosts } = targetOf(cluster.superuserUrl);
    const failure = await failureAt(wrong.href, { hosts: [...hosts, refused] });
    expect(failure.details).toEqual({ sqlstate: '28P01' });
    expect(failure.message).not.toContain('None of the hosts');
  });
});

describeEachStandby('target_session_attrs', ({ standby, ...primary }) => {
  const recovers = async (wanted: ConnectionTarget['targetSessionAttrs'], urls: readonly string[]) => {
    const hosts = urls.flatMap((url) => targetOf(url).hosts);
    const pool = open(targetOf(primary.superuserUrl, { hosts, targetSessionAttrs: wanted }));
    return inSession(pool, (session) => Promise.resolve(session.facts.inRecovery));
  };
  const both = [primary.superuserUrl, standby.superuserUrl];

  it.each([
    ['primary', false],
    ['read-write', false],
    ['standby', true],
    ['read-only', true],
    ['prefer-standby', true],
  ] as const)('%s finds its host', async (wanted, inRecovery) => {
    expect(await recovers(wanted, both)).toBe(inRecovery);
    expect(await recovers(wanted, both.toReversed())).toBe(inRecovery);
  });

  it('prefer-standby takes a primary where there is no other', async () => {
    expect(await recovers('prefer-standby', [primary.superuserUrl])).toBe(false);
  });

  it('says why no host fits', async () => {
    const failure = await failureOf(recovers('standby', [primary.superuserUrl]));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', message: expect.stringContaining('is no standby') });
  });
});

describe('a server', () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await startOwnServer({ max_connections: '5', superuser_reserved_connections: '1' });
  }, 60_000);
  afterAll(() => server.stop());

  it('without a free slot is unreachable for now, and the hint says why', async () => {
    const hold = Array.from({ length: 4 }, () =>
      runSql(server, 'postgres', 'select pg_sleep(1)').catch(() => undefined),
    );
    await sleep(300);
    const more = Array.from({ length: 3 }, () => failureOf(pidOf(open(targetOf(server.url)))));
    const failure = await Promise.any(more);
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '53300' } });
    expect(failure.hint).toContain('All connection slots are taken');
    await Promise.allSettled([...hold, ...more]);
  });

  it('that was restarted is found again without an error', async () => {
    const pool = open(targetOf(server.url), createPermits(2));
    await Promise.all([pidOf(pool), pidOf(pool)]);
    await server.restart();
    expect(await pidOf(pool)).toBeGreaterThan(0);
  }, 60_000);

  it('that ended our idle session just now is asked again on another connection', async () => {
    const pool = open(targetOf(server.url));
    const pid = await pidOf(pool);
    process.kill(pid, 'SIGTERM');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); // the news cannot reach us meanwhile
    expect(pool.stats().idle).toBe(1);
    expect(await pidOf(pool)).not.toBe(pid);
  });
});

describe.skipIf(!hasPgBouncer)('behind PgBouncer in transaction mode', () => {
  const cluster = newestCluster();
  let bouncer: PgBouncer;
  const target = () => targetOf(bouncer.url, { pooling: 'transaction' });
  beforeAll(async () => {
    bouncer = await startPgBouncer(cluster);
  });
  afterAll(() => bouncer.stop());

  it('sessions share the connections of the server without a clash of names', async () => {
    const pool = open(target(), createPermits(4));
    const rows = await Promise.all(
      Array.from({ length: 80 }, (_, i) => rowsOf(pool, `select ${i % 3} as n, pg_sleep(0.002)::text as slept`)),
    );
    expect(rows.map(([row]) => row?.['n'])).toEqual(Array.from({ length: 80 }, (_, i) => i % 3));
    await expect.poll(() => pool.stats()).toMatchObject({ inUse: 0, idle: 4 });
  });

  it('sessions have their settings, and leave none to the others', async () => {
    const pool = open(target());
    const look = `select current_setting('search_path') as path, current_setting('application_name') as name,
                         current_setting('transaction_read_only') as read_only`;
    expect(await rowsOf(pool, look)).toEqual([{ path: 'pg_catalog, pg_temp', name: 'howdah test', read_only: 'on' }]);
    const { port } = new URL(bouncer.url);
    const others = await runSql({ ...cluster, socketDir: '127.0.0.1', port: Number(port) }, 'postgres', look);
    expect(others.rows).toEqual([{ path: '"$user", public', name: '', read_only: 'off' }]);
  });

  it('nothing is prepared by name', async () => {
    const pool = open(target());
    await rowsOf(pool, 'select 1 as n');
    const prepared = await rowsOf(
      pool,
      `select count(*)::int as n from pg_prepared_statements where name like 'howdah%'`,
    );
    expect(prepared).toEqual([{ n: 0 }]);
  });

  it('a call that is stopped ends on the server, and its connection is not used again', async () => {
    const pool = open(target());
    const failure = await failureOf(rowsOf(pool, 'select pg_sleep(30)', { timeoutMs: 300 }));
    expect(failure.code).toBe('TIMEOUT');
    const running = `select count(*)::int as n from pg_stat_activity where state = 'active' and query = 'select pg_sleep(30)'`;
    await expect.poll(async () => (await runSql(cluster, 'postgres', running)).rows).toEqual([{ n: 0 }]);
    await expect.poll(() => pool.stats()).toMatchObject({ inUse: 0, idle: 0 });
    for (let i = 0; i < 20; i++) expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  });
});
