import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../pgbouncer.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { runAs, type Howdah } from '../postgres/platform.ts';
import { partOf, useHowdahs } from './poolers.ts';

const USERS = { stats: 'stats', admin: 'admin', app: 'app', postgres: 'postgres' };

describe.skipIf(!hasPgBouncer)('with PgBouncer', () => {
  describeEachMajor('pgbouncer_settings', (cluster) => {
    const clone = useClone(cluster);
    const open = useHowdahs();
    let bouncer: PgBouncer;
    let howdah: Howdah;
    const consoleUrl = () => bouncer.urlOf('stats', 'pgbouncer');
    const operate = (command: string) => runAs(bouncer.urlOf('admin', 'pgbouncer'), command);
    const byName = async (input = {}) => {
      const { rows } = await howdah.call('pgbouncer_settings', input);
      return new Map(rows.map((row) => [row['name'], row]));
    };

    beforeAll(async () => {
      bouncer = await startPgBouncer(cluster, {
        users: USERS,
        settings: {
          stats_users: 'stats',
          admin_users: 'admin',
          auth_query: `select 'hunter2hunter2', passwd from users where name = $1`,
          server_reset_query: 'DISCARD ALL',
        },
        databases: [
          `shop = $SERVER dbname=${clone().name} pool_size=3 reserve_pool=1`,
          `stock = $SERVER dbname=${clone().name}`,
          `elsewhere = host=127.0.0.1 port=1 user=postgres dbname=far`,
        ],
      });
      howdah = await open({ url: clone().monitorUrl, poolers: { main: consoleUrl() } });
    });
    afterAll(() => bouncer.stop());

    it('shows what matters and what was changed, the values of secrets withheld', async () => {
      const settings = await byName();
      expect([...settings.keys()].slice(0, 3)).toEqual(['pool_mode', 'default_pool_size', 'reserve_pool_size']);
      const pooler = 'main';
      expect(settings.get('pool_mode')).toEqual({
        pooler,
        name: 'pool_mode',
        value: 'transaction',
        default: 'session',
        restart: false,
      });
      expect(settings.get('max_client_conn')).toMatchObject({ value: '100', default: '100' });
      expect(settings.get('listen_port')).toMatchObject({
        value: String(bouncer.port),
        default: '6432',
        restart: true,
      });
      expect(settings.get('auth_query')?.['value']).toBe('select $2, passwd from users where name = $1');
      expect(settings.has('server_lifetime')).toBe(false);
      expect(settings.has('server_reset_query')).toBe(false);
      expect((await byName({ all: true, limit: 500 })).get('server_lifetime')).toMatchObject({ value: '3600' });
      expect([...(await byName({ name: 'server_life*' })).keys()]).toEqual(['server_lifetime']);
    });

    it('holds what the pools may open against what the server has, and leaves out other servers', async () => {
      const before = await howdah.call('pgbouncer_settings');
      const none = { pooler: 'main', pools: 0, possible: 0, this_server: null };
      const here = { ...none, host: cluster.socketDir, port: cluster.port, databases: 2, possible_all: 6 };
      const far = { ...none, host: '127.0.0.1', port: 1, databases: 1, possible_all: 2 };
      expect(partOf(before, 'budgets')).toEqual([far, here]);
      expect(before.not_examined).toMatchObject([{ what: 'whether 2 addresses of the poolers lead to this server' }]);

      await runAs(bouncer.urlOf('app', 'shop'), 'select 1');
      const after = await howdah.call('pgbouncer_settings');
      expect(partOf(after, 'budgets')).toEqual([far, { ...here, pools: 1, possible: 4, this_server: true }]);
      const [room] = await runAs(
        clone().superuserUrl,
        `select current_setting('max_connections')::int as max,
              current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved`,
      );
      expect(after['server_connections']).toEqual({ ...room, used: expect.any(Number) });
      expect(after.findings).toEqual([]);

      await operate('SET default_pool_size = 500');
      try {
        const evidence = { poolers: 1, max_connections: room?.['max'], reserved: room?.['reserved'] };
        expect((await howdah.call('pgbouncer_settings')).findings).toMatchObject([
          { severity: 'notice', evidence: { ...evidence, possible: 4, possible_all: 504, pools: 1 } },
        ]);
        await runAs(bouncer.urlOf('app', 'stock'), 'select 1');
        expect((await howdah.call('pgbouncer_settings')).findings).toMatchObject([
          {
            severity: 'warning',
            object: '"max_connections"',
            evidence: { ...evidence, possible: 504, possible_all: 504, pools: 2 },
          },
        ]);
      } finally {
        await operate('SET default_pool_size = 2');
      }
    });

    it('answers without the server when that cannot be reached', async () => {
      const blind = await open({ url: 'postgres://monitor@127.0.0.1:1/shop', poolers: { main: consoleUrl() } });
      const answer = await blind.call('pgbouncer_settings');
      expect(answer['server_connections']).toBeNull();
      expect(answer.rows.length).toBeGreaterThan(5);
      expect(answer.not_examined).toMatchObject([
        { what: 'how many connections the server has', reason: expect.stringContaining('nothing listens there') },
      ]);
    });

    it('compares how Howdah goes through the pooler with what its configuration says', async () => {
      const through = bouncer.urlOf('postgres', 'shop');
      const setup = { url: through, poolers: { main: consoleUrl() } };
      const wrong = await (await open({ ...setup, pooling: 'session' })).call('pgbouncer_settings');
      expect(wrong.findings).toMatchObject([
        {
          severity: 'warning',
          object: '"shop"',
          evidence: { pool_mode: 'transaction', pooling: 'session' },
          next_step: expect.stringContaining('servers.default.pooling: transaction'),
        },
      ]);
      const right = await (await open({ ...setup, pooling: 'transaction' })).call('pgbouncer_settings');
      expect(right.findings).toEqual([]);
      expect(right['server_connections']).not.toBeNull();
    });
  });
});
