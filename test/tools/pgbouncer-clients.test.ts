import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../pgbouncer.ts';
import { useClone } from '../postgres/clone.ts';
import { newestCluster } from '../postgres/each-major.ts';
import { runAs, type Howdah } from '../postgres/platform.ts';
import { askOnce, partOf, useHowdahs, withClients } from './poolers.ts';

const USERS = { stats: 'stats', app: 'app' };

describe.skipIf(!hasPgBouncer)('a pooler with clients', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  const open = useHowdahs();
  let bouncer: PgBouncer;
  let howdah: Howdah;
  const consoleUrl = () => bouncer.urlOf('stats', 'pgbouncer');

  beforeAll(async () => {
    bouncer = await startPgBouncer(cluster, {
      users: USERS,
      settings: { stats_users: 'stats', stats_period: '1' },
      databases: [`shop = $SERVER dbname=${clone().name} pool_size=1`, 'payroll_ro = $SERVER dbname=postgres'],
    });
    howdah = await open({ url: clone().monitorUrl, poolers: { main: consoleUrl() } });
  });
  afterAll(() => bouncer.stop());

  const secret = randomBytes(8).toString('hex');
  const NAMES = ['holder', 'first', `password=${secret}`];

  it('is shown by whom its connections are, who waits longest and who holds what they wait for', async () => {
    await withClients(bouncer.urlOf('app', 'shop'), NAMES, async ([holder, first, second]) => {
      await holder?.query('begin');
      const { rows } = (await holder?.query<{ pid: number }>('select pg_backend_pid() as pid')) ?? {};
      const waits = [askOnce(first)];
      await expect.poll(async () => partOf(await howdah.call('pgbouncer_clients'), 'waiting')).toHaveLength(1);
      waits.push(askOnce(second));
      await expect.poll(async () => partOf(await howdah.call('pgbouncer_clients'), 'waiting')).toHaveLength(2);
      const answer = await howdah.call('pgbouncer_clients');
      const whose = { pooler: 'main', database: 'shop', server_database: clone().name };
      const client = { ...whose, kind: 'client', user: 'app', connections: 1, addresses: 1, longest_wait_s: null };
      const waiting = { ...client, state: 'waiting', longest_wait_s: expect.any(Number) };
      expect(answer.rows).toHaveLength(4);
      expect(answer.rows).toEqual(
        expect.arrayContaining([
          { ...client, state: 'active', application: 'holder' },
          { ...waiting, application: 'first' },
          { ...waiting, application: 'password=[redacted]' },
          { ...client, kind: 'server', user: 'postgres', state: 'active', application: 'holder' },
        ]),
      );
      const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
      expect(partOf(answer, 'waiting')).toEqual([
        { ...whose, user: 'app', application: 'first', client_address: address, wait_s: expect.any(Number) },
        {
          ...whose,
          user: 'app',
          application: 'password=[redacted]',
          client_address: address,
          wait_s: expect.any(Number),
        },
      ]);
      expect(partOf(answer, 'holding')).toEqual([
        {
          ...whose,
          user: 'app',
          application: 'holder',
          client_address: address,
          server_pid: rows?.[0]?.pid,
          statement_s: null,
          silent_s: expect.any(Number),
        },
      ]);
      expect(answer.findings).toEqual([]);
      expect(JSON.stringify(answer)).not.toContain(secret);
      await expect
        .poll(async () => (await howdah.call('pgbouncer_clients', { max_wait_s: 0, max_silent_s: 0 })).findings)
        .toMatchObject([
          {
            severity: 'warning',
            claim: expect.stringMatching(/holds a server connection of "shop" .* while 2 others wait\.$/),
            object: `pid ${rows?.[0]?.pid}`,
          },
        ]);
      await holder?.query('commit');
      await Promise.all(waits);
    });
  });

  it('is shown to hold a connection for a statement that runs', async () => {
    await withClients(bouncer.urlOf('app', 'shop'), ['busy', 'patient'], async ([busy, patient]) => {
      void askOnce(busy, 'select pg_sleep(30)'); // ends with its client
      void askOnce(patient);
      await expect
        .poll(async () => partOf(await howdah.call('pgbouncer_clients'), 'holding'), { timeout: 15_000 })
        .toMatchObject([{ application: 'busy', statement_s: expect.any(Number) }]);
      const { findings } = await howdah.call('pgbouncer_clients', { max_wait_s: 0, max_silent_s: 0 });
      expect(findings).toEqual([]);
    });
  });

  it('withholds clients of databases that the caller may not reach', async () => {
    await withClients(bouncer.urlOf('app', 'payroll_ro'), ['a', 'b'], async () => {
      const narrow = await open({
        url: clone().monitorUrl,
        poolers: { main: consoleUrl() },
        databases: [clone().name],
      });
      for (const tool of ['pgbouncer_clients', 'pgbouncer_statistics', 'pgbouncer_settings']) {
        const answer = await narrow.call(tool);
        expect(JSON.stringify(answer)).not.toContain('payroll');
      }
      const { not_examined } = await narrow.call('pgbouncer_clients');
      expect(not_examined).toMatchObject([{ what: expect.stringMatching(/^\d+ rows of other databases$/) }]);
    });
  });

  it('counts transactions, queries and bytes of each database', async () => {
    await bouncer.restart();
    await runAs(bouncer.urlOf('app', 'shop'), 'select 1', 'begin', 'select 2', 'commit', 'select pg_sleep(0.1)');
    const answer = await howdah.call('pgbouncer_statistics');
    expect(partOf(answer, 'poolers')).toEqual([
      { pooler: 'main', version: expect.stringMatching(/^1\./), stats_period: 1 },
    ]);
    expect(answer.rows).toEqual([
      expect.objectContaining({
        pooler: 'main',
        database: 'shop',
        server_database: clone().name,
        total_xact_count: 3,
        total_query_count: 5,
      }),
    ]);
    const [row] = answer.rows;
    expect(row?.['total_query_time']).toBeGreaterThan(100);
    expect(row?.['total_query_time']).toBeLessThan(5000);
    expect(row?.['total_received']).toBeGreaterThan(50);
    expect(row?.['total_sent']).toBeGreaterThan(50);
    expect(answer.findings).toEqual([]);
  });

  const look = (input = {}) => howdah.call('pgbouncer_statistics', input);

  it('tells of clients that wait long on average', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `app ${i}`);
    await withClients(bouncer.urlOf('app', 'shop'), names, async (clients) => {
      const stop = new AbortController();
      const work = clients.map(async (client) => {
        while (!stop.signal.aborted) await client.query('select pg_sleep(0.05)');
      });
      try {
        // five of six wait for the sixth, about a quarter of a second each
        await expect
          .poll(async () => (await look({ max_avg_wait_ms: 100_000 })).rows[0]?.['avg_waiting'], { timeout: 10_000 })
          .toBeGreaterThan(3);
        const { rows, findings } = await look();
        expect(rows[0]?.['avg_waiting']).toBeLessThan(8);
        expect(rows[0]?.['avg_wait_time']).toBeGreaterThan(100);
        expect(rows[0]?.['avg_wait_time']).toBeLessThan(2000);
        expect(findings).toMatchObject([
          {
            severity: 'warning',
            claim: expect.stringMatching(
              /^Clients of "shop" wait \d+ ms on average before they get a server connection\.$/,
            ),
            evidence: { pooler: 'main' },
          },
        ]);
      } finally {
        stop.abort();
        await Promise.all(work);
      }
    });
  });
});
