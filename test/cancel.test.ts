import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestCancel } from '../src/postgres/cancel.ts';
import { openConnection } from '../src/postgres/connect.ts';
import type { Database } from '../src/postgres/database.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { createAuthority } from './certificates.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachMajor, newestCluster } from './postgres/each-major.ts';
import { runSql, type Instance } from './postgres/instance.ts';
import { failureOf, inSession, pidOf, rowsOf, statement, targetOf } from './session-kit.ts';

/** How many sessions of that name run a statement now. */
async function running(instance: Instance, applicationName: string): Promise<number> {
  const { rows } = await runSql(
    instance,
    'postgres',
    `select count(*)::int as n from pg_stat_activity where state = 'active' and application_name = '${applicationName}'`,
  );
  return (rows[0] as { n: number }).n;
}

async function started(instance: Instance, applicationName: string): Promise<void> {
  await expect.poll(() => running(instance, applicationName), { timeout: 5000 }).toBe(1);
}

interface Proxy {
  readonly port: number;
  /** What each connection began with, in hex. */
  readonly beginnings: readonly string[];
  close(): Promise<void>;
}

/** Passes everything on to a port of this machine. */
async function startProxy(port: number): Promise<Proxy> {
  const beginnings: string[] = [];
  const proxy = createServer((client) => {
    const server = connect({ host: '127.0.0.1', port });
    client.once('data', (chunk: Buffer) => beginnings.push(chunk.toString('hex')));
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    beginnings,
    close: () => new Promise((resolve) => proxy.close(() => resolve())),
  };
}

/**
 * Cancels statements at about the moment when they end, and runs another one on the same connection at once. Returns how
 * many were cancelled in time.
 */
async function raceCancels(database: Database, rounds: number): Promise<number> {
  let cancelled = 0;
  for (let round = 0; round < rounds; round++) {
    const caller = new AbortController();
    const timer = setTimeout(() => caller.abort(), 1 + (round % 8) / 2);
    await rowsOf(database, 'select pg_sleep(0.003)', { caller: caller.signal }).catch(() => cancelled++);
    clearTimeout(timer);
    for (const text of ['select pg_sleep(0.001)', 'select 1 as n']) await rowsOf(database, text);
  }
  return cancelled;
}

describeEachMajor('a call that is stopped', (cluster) => {
  const clone = useClone(cluster);
  let pool: Pool;
  beforeAll(() => {
    pool = openPool(targetOf(clone().superuserUrl), { permits: createPermits(1) });
  });
  afterAll(() => pool.close());

  it('no longer runs on the server when it fails, and the connection serves on', async () => {
    const pid = await pidOf(pool);
    const caller = new AbortController();
    const applicationName = `howdah gone ${cluster.major}`;
    const call = failureOf(rowsOf(pool, 'select pg_sleep(30)', { caller: caller.signal, applicationName }));
    await started(cluster, applicationName);
    const at = performance.now();
    caller.abort();
    expect((await call).code).toBe('CANCELLED');
    expect(performance.now() - at).toBeLessThan(1000);
    expect(await running(cluster, applicationName)).toBe(0);
    expect(await pidOf(pool)).toBe(pid);
  });

  it('fails with TIMEOUT at its deadline, in whichever statement it is', async () => {
    const at = performance.now();
    const failure = await failureOf(
      inSession(
        pool,
        async (session) => {
          await session.query(statement('select pg_sleep(0.2)'));
          await session.query(statement('select pg_sleep(30)'));
        },
        { timeoutMs: 500 },
      ),
    );
    expect(failure.code).toBe('TIMEOUT');
    expect(performance.now() - at).toBeGreaterThan(490);
    expect(performance.now() - at).toBeLessThan(1500);
  });

  it('never has its cancel hit the next statement', async () => {
    const pid = await pidOf(pool);
    const rounds = 60;
    const cancelled = await raceCancels(pool, rounds);
    expect(cancelled).toBeGreaterThan(rounds / 10);
    expect(cancelled).toBeLessThan(rounds);
    expect(await pidOf(pool)).toBe(pid);
  });

  it('that somebody else cancelled says so', async () => {
    const applicationName = `howdah other ${cluster.major}`;
    const call = failureOf(rowsOf(pool, 'select pg_sleep(30)', { applicationName }));
    await started(cluster, applicationName);
    const cancel = `select pg_cancel_backend(pid) from pg_stat_activity where application_name = '${applicationName}'`;
    await runSql(cluster, 'postgres', cancel);
    expect(await call).toMatchObject({
      code: 'QUERY_FAILED',
      message: 'The statement was cancelled on the server, by someone else or by a time limit of its own.',
      details: { sqlstate: '57014' },
    });
  });

  it('that somebody else ended is not run again', async () => {
    await pidOf(pool); // so that the connection has served before
    const applicationName = `howdah killed ${cluster.major}`;
    const call = failureOf(rowsOf(pool, 'select pg_sleep(30)', { applicationName }));
    await started(cluster, applicationName);
    await sleep(300);
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${applicationName}'`;
    await runSql(cluster, 'postgres', end);
    expect(await call).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '57P01' } });
  });
});

describe('a call that is stopped', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  let pool: Pool;
  beforeAll(() => {
    pool = openPool(targetOf(clone().superuserUrl), { permits: createPermits(1) });
  });
  afterAll(() => pool.close());

  it('never has its cancel hit the next statement, hundreds of times', async () => {
    const cancelled = await raceCancels(pool, 400);
    expect(cancelled).toBeGreaterThan(40);
    expect(cancelled).toBeLessThan(400);
  }, 60_000);

  it('does not start when its caller has left before', async () => {
    const caller = new AbortController();
    caller.abort();
    let begun = false;
    const call = inSession(pool, () => Promise.resolve((begun = true)), { caller: caller.signal });
    expect((await failureOf(call)).code).toBe('CANCELLED');
    expect(begun).toBe(false);
  });

  it('ends while it works on something else than a statement, and its transaction with it', async () => {
    const at = performance.now();
    let session: Parameters<Parameters<Database['readOnly']>[1]>[0] | undefined;
    const call = inSession(
      pool,
      async (given) => {
        session = given;
        await given.query(statement('select 1'));
        await sleep(5000);
      },
      { timeoutMs: 300, applicationName: 'howdah thinking' },
    );
    expect((await failureOf(call)).code).toBe('TIMEOUT');
    expect(performance.now() - at).toBeLessThan(1000);
    expect((await failureOf(session?.query(statement('select 1')) ?? Promise.resolve())).code).toBe('TIMEOUT');
    expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('ends in time although its session is frozen, and the connection is not used again', async () => {
    const pid = await pidOf(pool);
    process.kill(pid, 'SIGSTOP');
    try {
      const at = performance.now();
      const failure = await failureOf(rowsOf(pool, 'select 1', { timeoutMs: 300 }));
      expect(failure.code).toBe('TIMEOUT');
      expect(performance.now() - at).toBeGreaterThan(290);
      expect(performance.now() - at).toBeLessThan(300 + 1500 + 500);
      expect(await pidOf(pool)).not.toBe(pid);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('has kept another session waiting: it is cancelled and names it', async () => {
    const two = openPool(targetOf(clone().superuserUrl), { permits: createPermits(2) });
    try {
      await runSql(cluster, clone().name, 'create table public.wanted (x int)');
      const call = failureOf(
        inSession(
          two,
          async (session) => {
            await session.query(statement('select count(*) from public.wanted'));
            await session.query(statement('select pg_sleep(30)'));
          },
          { timeoutMs: 15_000, applicationName: 'howdah blocker' },
        ),
      );
      await started(cluster, 'howdah blocker');
      const at = performance.now();
      const altered = runSql(cluster, clone().name, 'alter table public.wanted add y int');
      const failure = await call;
      expect(failure).toMatchObject({ code: 'QUERY_FAILED', details: { blocked_pid: expect.any(Number) } });
      await altered;
      expect(performance.now() - at).toBeGreaterThan(1000);
      expect(performance.now() - at).toBeLessThan(5000);
    } finally {
      await two.close();
    }
  });
});

describe('over TLS', () => {
  let server: OwnServer;
  let pool: Pool;
  beforeAll(async () => {
    const authority = createAuthority('Test authority');
    const { certificate, key } = authority.issue('localhost', { dns: ['localhost'], ip: ['127.0.0.1'] });
    server = await startOwnServer(
      { ssl: 'on', ssl_cert_file: '$HOME/server.crt', ssl_key_file: '$HOME/server.key' },
      { 'server.crt': certificate, 'server.key': key },
    );
    pool = openPool(targetOf(`${server.url}?sslmode=require`), { permits: createPermits(1) });
  }, 60_000);
  afterAll(async () => {
    await pool.close();
    await server.stop();
  });

  it('connections are encrypted', async () => {
    const rows = await rowsOf(pool, 'select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
  });

  const beginnings = [
    ['postgres', '0000000804d2162f'], // SSLRequest
    ['direct', '16030'], // a TLS handshake, from PostgreSQL 17 on
  ] as const;
  it.each(newestCluster().major >= 17 ? beginnings : beginnings.slice(0, 1))(
    'a cancel request is encrypted too, with negotiation %s',
    async (negotiation, firstBytes) => {
      const proxy = await startProxy(server.port);
      const hosts = [{ host: '127.0.0.1', port: proxy.port }];
      const target = targetOf(`${server.url}?sslmode=require&sslnegotiation=${negotiation}`, { hosts });
      const { wire } = await openConnection(target, AbortSignal.timeout(5000));
      expect(wire.endpoint.tls?.negotiation).toBe(negotiation);
      const sleeping = failureOf(wire.exchange([{ text: 'select pg_sleep(30)', values: [] }]));
      await sleep(200);
      expect(await requestCancel(wire.endpoint, wire.key)).toBe(true);
      expect(await sleeping).toMatchObject({ code: '57014' });
      expect(await wire.exchange([{ text: 'select 1', values: [] }])).toMatchObject([{ rows: [['1']] }]);
      await wire.end();
      await proxy.close();
      expect(proxy.beginnings).toHaveLength(2);
      for (const beginning of proxy.beginnings) expect(beginning.startsWith(firstBytes)).toBe(true);
    },
  );

  it('a cancel never hits the next statement', async () => {
    const cancelled = await raceCancels(pool, 60);
    expect(cancelled).toBeGreaterThan(6);
  }, 60_000);

  it('a cancel that cannot be delivered is known not to have been', async () => {
    const { wire } = await openConnection(targetOf(server.url), AbortSignal.timeout(5000));
    const nowhere = { ...wire.endpoint, port: 1 };
    expect(await requestCancel(nowhere, wire.key)).toBe(false);
    await wire.end();
  });
});
