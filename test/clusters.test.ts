import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { cloneDatabase, useClone } from './postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from './postgres/each-major.ts';

async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describeEachMajor('the test cluster', (cluster) => {
  const clone = useClone(cluster);

  it('runs the version it is named after', async () => {
    const [row] = await ask(
      cluster.superuserUrl,
      'select current_setting($$server_version_num$$)::int / 10000 as major',
    );
    expect(row).toEqual({ major: cluster.major });
  });

  it('knows a superuser, a member of pg_monitor and a role without rights', async () => {
    const question = `select current_user::text as name, rolsuper as superuser,
      pg_has_role(current_user, 'pg_monitor', 'member') as monitor from pg_roles where rolname = current_user`;
    const rows = [cluster.superuserUrl, cluster.monitorUrl, cluster.plainUrl].map((url) => ask(url, question));
    expect((await Promise.all(rows)).flat()).toEqual([
      { name: 'postgres', superuser: true, monitor: true },
      { name: 'monitor', superuser: false, monitor: true },
      { name: 'plain', superuser: false, monitor: false },
    ]);
  });

  it.each(['superuserUrl', 'monitorUrl', 'plainUrl'] as const)('refuses a wrong password in its %s', async (url) => {
    const wrong = new URL(cluster[url]);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
  });

  it('stores passwords as SCRAM verifiers', async () => {
    const rows = await ask(
      cluster.superuserUrl,
      `select rolname as name, left(rolpassword, 14) as verifier from pg_authid where rolname in ('monitor', 'plain', 'postgres') order by 1`,
    );
    const verifier = 'SCRAM-SHA-256$';
    expect(rows).toEqual(['monitor', 'plain', 'postgres'].map((name) => ({ name, verifier })));
  });

  it('answers on its socket, too', async () => {
    const { password } = new URL(cluster.plainUrl);
    const client = new pg.Client({
      host: cluster.socketDir,
      port: cluster.port,
      user: 'plain',
      password,
      database: 'postgres',
    });
    await client.connect();
    const { rows } = await client.query('select inet_client_addr() as address, current_user::text as name');
    await client.end();
    expect(rows).toEqual([{ address: null, name: 'plain' }]);
  });

  it('has the rows that the fixture promises', async () => {
    const [row] = await ask(
      clone().superuserUrl,
      `select (select count(*) from shop.customers)::int as customers,
         (select count(*) from shop.customers where phone is null)::int as without_phone,
         (select count(*) from shop."Order")::int as orders,
         (select count(*) from shop.paid_orders)::int as paid,
         (select count(*) from shop.revenue)::int as revenue,
         (select sum(gross) from shop."Order" where id <= 2)::text as gross,
         (select count(*) from shop.order_lines)::int as lines,
         (select count(*) from indexes.events)::int as events,
         (select count(*) from bloat.mostly_dead)::int as alive,
         (select count(*) from only partitions.measurements_default)::int as in_default,
         (select last_value from sequences.nearly_full_id_seq)::int as sequence`,
    );
    expect(row).toEqual({
      customers: 1000,
      without_phone: 250,
      orders: 4000,
      paid: 2000,
      revenue: 1000,
      gross: '3.57',
      lines: 8000,
      events: 60_000,
      alive: 2000,
      in_default: 1,
      sequence: 32_000,
    });
  });

  it('shows how often each index was scanned, and how large it is', async () => {
    const rows = await ask(
      clone().monitorUrl,
      `select indexrelname as index, idx_scan::int as scans, pg_relation_size(indexrelid) > 1048576 as large
       from pg_stat_user_indexes where schemaname = 'indexes' and relname = 'events' order by 1`,
    );
    expect(rows).toEqual([
      { index: 'events_pkey', scans: 0, large: true },
      { index: 'events_unused', scans: 0, large: true },
      { index: 'events_unused_small', scans: 0, large: false },
      { index: 'events_unused_unique', scans: 0, large: true },
      { index: 'events_used', scans: 60, large: true },
    ]);
  });

  it('shows living and dead rows as ANALYZE counted them', async () => {
    const rows = await ask(
      clone().plainUrl,
      `select n_live_tup::int as live, n_dead_tup::int as dead, last_analyze is not null as analyzed
       from pg_stat_user_tables where relname = 'mostly_dead'`,
    );
    expect(rows).toEqual([{ live: 2000, dead: 18_000, analyzed: true }]);
  });

  it('records statements, with their I/O times', async () => {
    await ask(clone().superuserUrl, 'select 41 + 1 as recorded_statement');
    const rows = await ask(
      clone().superuserUrl,
      `select s.calls::int, current_setting('track_io_timing') as timing from public.pg_stat_statements s
       join pg_database d on d.oid = s.dbid
       where d.datname = current_database() and s.query like '%recorded_statement' `,
    );
    expect(rows).toEqual([{ calls: 1, timing: 'on' }]);
  });

  it('keeps hidden, and the addresses of customers, from the plain role', async () => {
    await expect(ask(clone().plainUrl, 'select * from hidden.payroll')).rejects.toThrow('permission denied for schema');
    await expect(ask(clone().plainUrl, 'select email from shop.customers')).rejects.toThrow('permission denied');
    expect(await ask(clone().plainUrl, 'select id from security.policy_on')).toEqual([{ id: 1 }]);
    expect(await ask(clone().plainUrl, 'select name from shop.customers where id = 7')).toEqual([
      { name: 'Customer 7' },
    ]);
  });

  it('has a second template with pg_stat_statements in another schema', async () => {
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    try {
      const rows = await ask(
        other.superuserUrl,
        `select extnamespace::regnamespace::text as schema from pg_extension where extname = 'pg_stat_statements'`,
      );
      expect(rows).toEqual([{ schema: 'ext' }]);
    } finally {
      await other.drop();
    }
  });
});

describeEachStandby('the standby', (cluster) => {
  const clone = useClone(cluster);

  it('is in recovery and streams from the primary by its slot', async () => {
    expect(await ask(cluster.standby.monitorUrl, 'select pg_is_in_recovery() as recovering')).toEqual([
      { recovering: true },
    ]);
    const rows = await ask(
      cluster.superuserUrl,
      `select r.application_name as name, r.state, s.slot_name::text as slot from pg_stat_replication r
       join pg_replication_slots s on s.active_pid = r.pid`,
    );
    expect(rows).toEqual([{ name: 'standby', state: 'streaming', slot: 'standby' }]);
  });

  it('has a clone as soon as the primary has it, with the same roles', async () => {
    const { standby } = clone();
    expect(await ask(standby?.plainUrl ?? '', 'select count(*)::int as orders from shop."Order"')).toEqual([
      { orders: 4000 },
    ]);
  });
});

describe('a clone', () => {
  it('can be dropped while sessions are in it', async () => {
    const cluster = newestCluster();
    const clone = await cloneDatabase(cluster, 'clone "with" quotes');
    const client = new pg.Client(clone.plainUrl);
    const ended = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await clone.drop();
    expect(await ended).toMatchObject({ message: expect.stringMatching(/terminat/) });
    const left = await ask(cluster.superuserUrl, `select datname from pg_database where datname = '${clone.name}'`);
    expect(left).toEqual([]);
  });
});
