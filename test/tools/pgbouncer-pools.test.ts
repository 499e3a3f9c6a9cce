import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareVersions, quoteIdentifier } from '../../src/tools/kit/index.ts';
import type { Howdah } from '../postgres/platform.ts';
import { runAs } from '../postgres/platform.ts';
import { newestCluster } from '../postgres/each-major.ts';
import { useClone } from '../postgres/clone.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../pgbouncer.ts';
import { askOnce, partOf, useHowdahs, withClients } from './poolers.ts';

const USERS = { stats: 'Tr0ub4dor', admin: 'admin', app: 'app' };

describe.skipIf(!hasPgBouncer)('pgbouncer_pools', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  const open = useHowdahs();
  let bouncer: PgBouncer;
  let howdah: Howdah;
  const consoleUrl = () => bouncer.urlOf('stats', 'pgbouncer');
  /** What an operator tells the console; Howdah could not. */
  const operate = (command: string) => runAs(bouncer.urlOf('admin', 'pgbouncer'), command);

  beforeAll(async () => {
    const { name } = clone();
    bouncer = await startPgBouncer(cluster, {
      users: USERS,
      settings: { stats_users: 'stats', admin_users: 'admin', max_client_conn: '40', reserve_pool_timeout: '0.1' },
      databases: [
        `shop = $SERVER dbname=${name} pool_size=1`,
        `we.ird = $SERVER dbname=${name} pool_size=1 reserve_pool=2`,
        'payroll_ro = $SERVER dbname=postgres max_db_connections=7 pool_mode=session',
        '* = $SERVER',
      ],
    });
    howdah = await open({ url: clone().monitorUrl, poolers: { main: consoleUrl() } });
  });
  afterAll(() => bouncer.stop());

  const look = (input = {}) => howdah.call('pgbouncer_pools', input);

  it('finds nothing wrong where nobody has come yet, and lists what is configured', async () => {
    const answer = await look();
    expect(answer).toMatchObject({ findings: [], rows: [], truncated: false, total: 0 });
    expect(answer.not_examined).toBeUndefined();
    const since = (version: string) => compareVersions(String(partOf(answer, 'poolers')[0]?.['version']), version) >= 0;
    expect(partOf(answer, 'poolers')).toEqual([
      {
        pooler: 'main',
        address: `stats@127.0.0.1:${bouncer.port}/pgbouncer`,
        version: expect.stringMatching(/^1\.\d+\.\d+/),
        state: since('1.19') ? 'active' : null,
        clients: 1,
        max_client_conn: 40,
        server_connections: 0,
      },
    ]);
    expect(partOf(answer, 'databases')).toEqual([
      {
        pooler: 'main',
        database: 'payroll_ro',
        server_database: 'postgres',
        connections: 0,
        max_connections: 7,
        clients: since('1.24') ? 0 : null,
        max_clients: null,
        paused: false,
        disabled: false,
      },
    ]);
  });

  it('tells how many wait for a pool that a long transaction has filled, and for how long', async () => {
    await withClients(bouncer.urlOf('app', 'shop'), ['long', 'first', 'second'], async ([long, ...others]) => {
      await long?.query('begin');
      const waiting = others.map((client) => askOnce(client));
      await expect
        .poll(async () =>
          (await look({ max_wait_s: 0.2 })).findings.map(({ severity, claim }) => ({ severity, claim })),
        )
        .toEqual([
          {
            severity: 'warning',
            claim: expect.stringMatching(
              /^2 clients wait for a server connection of "shop", the first for \d s; the only one of the pool is in use\.$/,
            ),
          },
        ]);
      const answer = await look({ max_wait_s: 600 });
      expect(answer.rows).toEqual([
        {
          pooler: 'main',
          database: 'shop',
          server_database: clone().name,
          user: 'postgres',
          pool_mode: 'transaction',
          cl_active: 1,
          cl_waiting: 2,
          cl_cancel_req: 0,
          maxwait_s: expect.any(Number),
          sv_active: 1,
          sv_idle: 0,
          sv_used: 0,
          sv_tested: 0,
          sv_login: 0,
          sv_cancel: 0,
          pool_size: 1,
          reserve_pool_size: 0,
        },
      ]);
      expect(answer.rows[0]?.['maxwait_s']).toBeGreaterThan(0.2);
      expect(answer.findings.map(({ severity, claim }) => `${severity}: ${claim}`)).toEqual([
        'notice: The only server connection of a pool of "shop" is in use: the next client waits.',
      ]);
      expect(answer.findings[0]?.next_step).toContain(`WHERE datname = '${clone().name}' AND xact_start IS NOT NULL`);
      await long?.query('rollback');
      await Promise.all(waiting);
    });
    expect((await look()).findings).toEqual([]);
  });

  it('tells what was paused or disabled, and of a paused database whom that keeps waiting', async () => {
    await operate('PAUSE shop');
    await operate('DISABLE "we.ird"');
    try {
      const halted = await look();
      expect(halted.findings.map(({ claim, next_step }) => [claim, next_step?.split('\n')[1]])).toEqual([
        ['"shop" is paused: its clients wait until somebody resumes it.', 'RESUME "shop";'],
        ['"we.ird" is disabled: new clients are turned away.', 'ENABLE "we.ird";'],
      ]);
      expect(partOf(halted, 'databases').map((row) => [row['database'], row['paused'], row['disabled']])).toEqual([
        ['shop', true, false],
        ['we.ird', false, true],
        ['payroll_ro', false, false],
      ]);
      await withClients(bouncer.urlOf('app', 'shop'), ['patient'], async ([client]) => {
        const waits = askOnce(client);
        await expect
          .poll(async () => (await look({ max_wait_s: 0 })).findings.map(({ object, claim }) => ({ object, claim })))
          .toEqual([
            {
              object: '"shop"',
              claim: expect.stringMatching(/^A client waits for .* for \d s; the database is paused\.$/),
            },
            { object: '"we.ird"', claim: expect.stringContaining('is disabled') },
          ]);
        await operate('RESUME shop');
        await waits;
      });
    } finally {
      await operate('RESUME shop').catch(() => {});
      await operate('ENABLE "we.ird"');
    }
  });

  it('tells that the reserve of a pool is open', async () => {
    await withClients(bouncer.urlOf('app', 'we.ird'), ['a', 'b'], async (clients) => {
      await clients[0]?.query('begin');
      await clients[1]?.query('begin'); // waits for the reserve
      const { findings, rows } = await look();
      expect(rows[0]).toMatchObject({ database: 'we.ird', sv_active: 2, pool_size: 1, reserve_pool_size: 2 });
      expect(findings.map(({ severity, object }) => [severity, object])).toEqual([['notice', '"we.ird"']]);
      await clients[1]?.query('rollback');
      await clients[0]?.query('rollback');
      expect((await look()).findings).toMatchObject([
        { severity: 'notice', claim: '1 server connection of the reserve of "we.ird" is open: clients had to wait.' },
      ]);
    });
  });

  it('tells that PgBouncer lets hardly anybody in any more', async () => {
    const names = Array.from({ length: 34 }, (_, i) => `client ${i}`);
    await withClients(bouncer.urlOf('app', 'payroll_ro'), names, async () => {
      const { findings, rows } = await look();
      expect(rows.find(({ database }) => database === 'payroll_ro')).toMatchObject({
        server_database: 'postgres',
        pool_mode: 'session',
        cl_active: 34,
      });
      expect(findings.filter(({ object }) => object === '"main"')).toMatchObject([
        {
          severity: 'warning',
          claim: 'The PgBouncer "main" has 87.5 % of the clients that it lets in.',
          evidence: { clients: 35, max_client_conn: 40 },
        },
      ]);
      expect((await look({ max_clients_percent: 90 })).findings.filter(({ object }) => object === '"main"')).toEqual(
        [],
      );
    });
  });

  it('withholds the databases that the caller may not reach, by the names that the server has for them', async () => {
    await runAs(bouncer.urlOf('app', 'shop'), 'select 1');
    await runAs(bouncer.urlOf('app', 'payroll_ro'), 'select 1');
    const narrow = await open({ url: clone().monitorUrl, poolers: { main: consoleUrl() }, databases: [clone().name] });
    const answer = await narrow.call('pgbouncer_pools');
    expect(answer.rows.map(({ database }) => database)).toContain('shop');
    expect(answer.not_examined).toMatchObject([{ what: expect.stringMatching(/^\d rows of other databases$/) }]);
    expect(JSON.stringify(answer)).not.toContain('payroll');
  });

  /** The next steps that have the name of that database in them. */
  const steps = async (input = {}) =>
    (await look(input)).findings.flatMap(({ next_step }) => next_step ?? []).filter((step) => step.includes('planted'));

  it('keeps what somebody made up as the name of a database in quotes and on one line', async () => {
    const hostile = `x"'; DROP TABLE planted; --`;
    const quoted = quoteIdentifier(hostile);
    await runAs(clone().superuserUrl, `create database ${quoted} template template0`);
    await operate('SET default_pool_size = 1');
    try {
      await withClients(bouncer.urlOf('app', encodeURI(hostile)), ['holder', 'waiter'], async ([holder, waiter]) => {
        await holder?.query('begin');
        const waits = askOnce(waiter);
        await expect.poll(() => steps({ max_wait_s: 0 })).toHaveLength(1);
        const told = [...(await steps({ max_wait_s: 0 })), ...(await steps())];
        await operate(`DISABLE ${quoted}`);
        told.push(...(await steps({ max_wait_s: 600 })));
        expect(told).toHaveLength(4);
        for (const step of told) {
          expect(step.replaceAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'|--[^\n]*/g, '')).not.toContain('planted');
        }
        await holder?.query('rollback');
        await waits;
      });
    } finally {
      await operate('SET default_pool_size = 2');
      await operate(`ENABLE ${quoted}`).catch(() => {});
      await bouncer.restart();
      const drop = () => runAs(clone().superuserUrl, `drop database ${quoted}`).then(() => 'dropped', String);
      await expect.poll(drop).toBe('dropped');
    }
  });
});
