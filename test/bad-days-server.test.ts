/** PostgreSQL on its bad days, as a client of `howdah stdio` lives through them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readPostmasterFile, stopPostmaster } from '../src/postgres/postmaster.ts';
import { startForeignWords } from './foreign-words.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { withSession } from './postgres/platform.ts';
import { slowDownOverview } from './slow-overview.ts';
import { endOf, openClient, type StdioClient } from './stdio-client.ts';
import { createStdioPlace, type StdioPlace } from './stdio-process.ts';

const newest = newestCluster();

describe.each([...new Set([inject('clusters')[12] ?? newest, newest])])('a login to PostgreSQL $major', (cluster) => {
  it('is refused until its password is corrected, which needs no restart', async () => {
    const url = new URL(cluster.monitorUrl);
    const { password } = url;
    url.password = '';
    const place = createStdioPlace(url.href);
    const client = await openClient(place);
    try {
      const passfile = join(String(place.env['HOME']), '.pgpass');
      writeFileSync(passfile, '*:*:*:*:squeamish-ossifrage\n', { mode: 0o600 });
      const refused = await client.call('list_tables');
      expect(refused).toMatchObject({ code: 'SERVER_UNREACHABLE', sqlstate: '28P01' });
      expect(refused.message).toContain(`127.0.0.1:${cluster.port} refuses the login`);
      expect(refused.hint).toContain('Correct the password');
      expect(refused.text + client.log()).not.toContain('squeamish');
      expect(endOf(place, refused.callId)).toMatchObject({ outcome: 'SERVER_UNREACHABLE' });
      writeFileSync(passfile, `*:*:*:*:${password}\n`);
      expect(await client.call('list_tables')).toMatchObject({ code: 'OK' });
    } finally {
      await client.close();
      place.remove();
    }
  });
});

describe('a server that speaks German', () => {
  const clone = useClone(newest);

  it('is understood by its error codes', async () => {
    const words = await startForeignWords(newest.port);
    const url = new URL(clone().monitorUrl);
    url.port = String(words.port);
    url.searchParams.set('sslmode', 'disable');
    const place = createStdioPlace(
      url.href,
      `servers: { shop: { url: "\${DATABASE_URL}" }, wrong: { url: "\${DATABASE_URL}", password: wrong-one } }
default_server: shop`,
    );
    url.password = '';
    place.env['DATABASE_URL'] = url.href;
    place.env['PGPASSWORD'] = new URL(clone().monitorUrl).password;
    const client = await openClient(place);
    try {
      const refused = await client.call('list_tables', { server: 'wrong' });
      expect(refused).toMatchObject({ code: 'SERVER_UNREACHABLE', sqlstate: '28P01' });
      expect(refused.message).toMatch(/ refuses the login: ein Fehler, für den .* Wörter gibt\.$/);
      expect(refused.hint).toContain('Correct the password');
      const missing = await client.call('list_tables', { database: 'missing' });
      expect(missing).toMatchObject({ code: 'NOT_FOUND', sqlstate: '3D000' });
      expect(await client.call('list_tables')).toMatchObject({ code: 'OK' });
      await withSession(clone().superuserUrl, async (session) => {
        await session.query('begin; lock table pg_catalog.pg_class in access exclusive mode');
        expect(await client.call('list_tables')).toMatchObject({ code: 'QUERY_FAILED', sqlstate: '55P03' });
      });
      expect(await client.call('list_tables')).toMatchObject({ code: 'OK' });
    } finally {
      await client.close();
      place.remove();
      words.close();
    }
  });
});

/** One Howdah lives through all of it; the tests depend on their order only in that it is up from the first one on. */
describe('a server', () => {
  let server: OwnServer;
  let place: StdioPlace;
  let client: StdioClient;

  beforeAll(async () => {
    server = await startOwnServer({ max_connections: '12', superuser_reserved_connections: '3' });
    await runSql(server, 'postgres', `alter role monitor password 'of monitor'; alter role plain password 'of plain'`);
    await stopPostmaster(server.dataDir, 'SIGINT', 10_000);
    place = createStdioPlace(
      urlOf('monitor'),
      `servers: { monitor: { url: "\${DATABASE_URL}" }, plain: { url: "${urlOf('plain')}" } }
default_server: monitor
personas: { dba: { tools: { allow: ["class:diagnostic", "class:schema"] }, limits: { statement_timeout: 3s } } }`,
    );
    client = await openClient(place);
  });
  afterAll(async () => {
    await client.close();
    place.remove();
    await server.stop();
  });

  const urlOf = (role: string) =>
    `postgresql://${role}:of%20${role}@127.0.0.1:${server.port}/postgres?sslmode=disable&connect_timeout=2`;
  const listTables = () => client.call('list_tables');

  it('is down at the start, and is found when it comes up', async () => {
    const down = await listTables();
    expect(down).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(down.message).toContain('nothing listens there');
    await server.restart();
    expect(await listTables()).toMatchObject({ code: 'OK' });
  });

  it('is restarted between calls, and nobody notices', async () => {
    await server.restart();
    expect(await listTables()).toMatchObject({ code: 'OK' });
  });

  it('is restarted in the middle of a call, which fails for now', async () => {
    const quicken = await slowDownOverview(server);
    const running = client.call('server_overview');
    try {
      await expect.poll(() => count(server, ACTIVE)).toBe(1);
      await stopPostmaster(server.dataDir, 'SIGINT', 10_000);
    } finally {
      quicken();
      await server.restart();
    }
    const ended = await running;
    expect(ended).toMatchObject({ code: 'SERVER_UNREACHABLE', sqlstate: '57P01' });
    expect(ended.hint).toContain('try again');
    expect(endOf(place, ended.callId)).toMatchObject({ outcome: 'SERVER_UNREACHABLE', details: { sqlstate: '57P01' } });
    expect(await listTables()).toMatchObject({ code: 'OK' });
  });

  it.each(['plain', 'monitor'])('has no connection left for %s, until one is free', async (role) => {
    const ours = `usename = '${role}'`;
    const fill = async (): Promise<void> => {
      const failure = await withSession(urlOf('plain'), fill).catch((error: unknown) => error);
      if (failure === undefined) return;
      expect(failure).toMatchObject({ code: '53300' });
      const refused = await client.call('activity', { server: role });
      expect(refused).toMatchObject({ code: 'SERVER_UNREACHABLE', sqlstate: '53300' });
      expect(refused.message).toContain('has no room for a connection');
      expect(refused.hint).toContain('end idle sessions');
    };
    await runSql(server, 'postgres', `select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`);
    await expect.poll(() => count(server, ours), { timeout: 1000 }).toBe(0);
    await fill();
    await expect.poll(async () => (await client.call('activity', { server: role })).code).toBe('OK');
  });

  it('hangs during a call and while it is connected to, and is used again when it wakes', async () => {
    expect(await listTables()).toMatchObject({ code: 'OK' });
    const pids = [(await readPostmasterFile(server.dataDir))?.pid ?? 0, ...(await pidsOf(server, 'monitor'))];
    expect(pids).toHaveLength(2);
    pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
    try {
      const began = performance.now();
      const outcomes = await Promise.all([listTables(), listTables(), client.ping()]);
      expect(performance.now() - began).toBeLessThan(6000);
      expect(outcomes.map((outcome) => outcome?.code)).toEqual(['TIMEOUT', 'SERVER_UNREACHABLE', undefined]);
      expect(outcomes[1].message).toContain('did not answer within 2000 ms');
    } finally {
      pids.forEach((pid) => process.kill(pid, 'SIGCONT'));
    }
    expect(await listTables()).toMatchObject({ code: 'OK' });
    await expect.poll(() => count(server, ACTIVE), { timeout: 1000 }).toBe(0);
  });

  it('has its catalog locked, as by VACUUM FULL, and a call waits for a moment only', async () => {
    expect(await listTables()).toMatchObject({ code: 'OK' });
    await whileLocked('pg_class', async () => {
      const began = performance.now();
      const blocked = await listTables();
      expect(performance.now() - began).toBeLessThan(2000);
      expect(blocked).toMatchObject({ code: 'QUERY_FAILED', sqlstate: '55P03' });
      expect(blocked.hint).toContain('VACUUM FULL');
    });
    expect(await listTables()).toMatchObject({ code: 'OK' });
  });

  it('has its roles locked, so that nobody can log in', async () => {
    await runSql(
      server,
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'monitor'`,
    );
    await whileLocked('pg_authid', async () => {
      const blocked = await listTables();
      expect(blocked.code).toBe('SERVER_UNREACHABLE');
      expect(blocked.message).toContain('did not answer within 2000 ms');
    });
    expect(await listTables()).toMatchObject({ code: 'OK' });
  });

  function whileLocked(catalog: string, work: () => Promise<void>): Promise<void> {
    return withSession(server.url, async (session) => {
      await session.query(`begin; lock table pg_catalog.${catalog} in access exclusive mode`);
      await work();
    });
  }
});

/** A statement of a call is running. */
const ACTIVE = `application_name like 'howdah %' and state = 'active'`;

async function count(server: OwnServer, condition: string): Promise<number> {
  const query = `select count(*)::int as n from pg_stat_activity where pid <> pg_backend_pid() and ${condition}`;
  return ((await runSql(server, 'postgres', query)).rows[0] as { n: number }).n;
}

async function pidsOf(server: OwnServer, role: string): Promise<number[]> {
  const { rows } = await runSql(server, 'postgres', `select pid from pg_stat_activity where usename = '${role}'`);
  return (rows as { pid: number }[]).map(({ pid }) => pid);
}
