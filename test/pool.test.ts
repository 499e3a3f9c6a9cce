import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import type { ConnectionTarget } from '../src/postgres/target.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { runSql, type Instance } from './postgres/instance.ts';
import { failureOf, inSession, pidOf, rowsOf, statement, targetOf } from './session-kit.ts';

/** The URL of a source file, as a literal. */
const source = (file: string) => JSON.stringify(new URL(`../src/${file}`, import.meta.url).href);

const pools: Pool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function open(target: ConnectionTarget, permits = createPermits(1)): Pool {
  const pool = openPool(target, { permits });
  pools.push(pool);
  return pool;
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
    const calls = Array.from({ length: 30 }, (_, i) =>
      inSession(logins[i % 3] as Pool, async (session) => {
        most = Math.max(most, ++inUse);
        const { rows } = await session.query(
          statement('select current_database(), session_user, pg_sleep(0.01)::text'),
        );
        inUse--;
        return rows[0]?.slice(0, 2);
      }),
    );
    const where = await Promise.all(calls);
    const expected = [
      [clone().name, 'postgres'],
      [other().name, 'postgres'],
      [clone().name, 'monitor'],
    ];
    expect(where).toEqual(calls.map((_, i) => expected[i % 3]));
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

  it('stops connecting when it is closed', async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const pool = openPool(target({ hosts: [{ host: '127.0.0.1', port }] }), { permits: createPermits(1) });
    const connecting = failureOf(rowsOf(pool, 'select 1'));
    await sleep(50);
    await pool.close();
    expect((await connecting).code).toBe('UNAVAILABLE');
    await new Promise((resolve) => silent.close(resolve));
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

  it('that is promoted is known as a primary from then on, by the same connection', async () => {
    const standby = await startOwnServer({}, { 'data/standby.signal': '' });
    const pool = open(targetOf(standby.socketUrl));
    try {
      const recovers = () =>
        inSession(pool, async (session) => {
          await session.query(statement('select 1'));
          return session.facts.inRecovery;
        });
      const pid = await pidOf(pool);
      expect(await recovers()).toBe(true);
      await runSql(standby, 'postgres', 'select pg_promote()');
      expect(await recovers()).toBe(false);
      expect(await pidOf(pool)).toBe(pid);
    } finally {
      await pool.close();
      await standby.stop();
    }
  }, 60_000);

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
