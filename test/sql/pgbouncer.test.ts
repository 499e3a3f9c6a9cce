/** SQL of callers through PgBouncer: it answers as without one, and the next client finds nothing of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf, errorOf, makeReader, openCallersHowdah, type CallersHowdah, type Reader } from '../callers-kit.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../pgbouncer.ts';
import { useClone } from '../postgres/clone.ts';
import { newestCluster } from '../postgres/each-major.ts';
import { runAs } from '../postgres/platform.ts';

/** Of the pooler; Howdah reads the catalogue on another one than it runs statements on. */
const SESSIONS = 4;

const GRANTS = [
  'grant usage on schema shop, tricks',
  'grant select on all tables in schema shop',
  'grant execute on function tricks.leave_behind()',
];
/** What a statement may leave in a session, whatever its transaction comes to; the login may make no temporary table. */
const LEAVE = `create function tricks.leave_behind() returns text language plpgsql as $$
  begin
    perform pg_advisory_lock(4711);
    execute 'set session work_mem to ''77kB''';
    execute 'prepare left_over as select 1';
    return 'done';
  end $$`;
const LEFT = `select (select count(*) from pg_prepared_statements where from_sql)::int as prepared,
                     (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())::int as locks,
                     (select count(*) from pg_class where relpersistence = 't')::int as temporary,
                     current_setting('work_mem') <> '77kB' as sound,
                     current_setting('statement_timeout') as timeout, current_setting('search_path') as path,
                     coalesce(current_setting('howdah.mask_key', true), '') as mask_key,
                     current_setting('transaction_read_only') as read_only, pg_backend_pid() as pid`;

describe.skipIf(!hasPgBouncer).each(['transaction', 'session'] as const)('SQL of callers, pooling: %s', (pooling) => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  let bouncer: PgBouncer;
  let reader: Reader;
  let howdah: CallersHowdah;
  const through = () => bouncer.urlOf(reader.user, clone().name);

  beforeAll(async () => {
    await runAs(clone().superuserUrl, 'create schema tricks', LEAVE);
    reader = await makeReader(clone().superuserUrl, ...GRANTS);
    const server = `host=${cluster.socketDir} port=${cluster.port} user=${reader.user} password=${reader.password}`;
    bouncer = await startPgBouncer(cluster, {
      users: { [reader.user]: reader.password },
      databases: [
        `${clone().name} = ${server} dbname=${clone().name} pool_size=${pooling === 'session' ? SESSIONS : 1}`,
      ],
      // what a pooler sends by itself between clients would hide what Howdah leaves
      settings: { pool_mode: pooling, server_reset_query: '' },
    });
    howdah = await openCallersHowdah({
      url: through(),
      logins: { reader },
      server: { pooling },
      persona: { data: { functions: ['tricks.leave_behind'] }, limits: { statement_timeout: '60s' } },
      guard: 'own',
    });
  }, 60_000);
  afterAll(async () => {
    await howdah.close();
    await bouncer.stop();
  });

  /** As the next clients of the pooler, which get all of its sessions. */
  async function look() {
    if (pooling === 'session') await howdah.platform.deps.fleet.close();
    const clients = Array.from({ length: pooling === 'session' ? SESSIONS : 1 }, () => {
      return new pg.Client({ connectionString: through() });
    });
    try {
      return await Promise.all(
        clients.map(async (client) => {
          await client.connect();
          return (await client.query<Record<string, unknown>>(LEFT)).rows[0];
        }),
      );
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  }
  const ask = async (sql: string, input: Readonly<Record<string, unknown>> = {}) =>
    answerOf(await howdah.call('query', { sql, ...input }));

  it('answers, fails, is cut by time and is cancelled as without a pooler', { timeout: 60_000 }, async () => {
    const sql = 'select count(*) from shop.customers where id <= $1';
    expect(await ask(sql, { parameters: [5] })).toMatchObject({ rows: [['5']] });
    expect(errorOf(await howdah.call('query', { sql: 'select 1 / (id - id) from shop.customers' }))).toMatchObject({
      code: 'QUERY_FAILED',
    });
    expect(await ask(sql, { parameters: [7] })).toMatchObject({ rows: [['7']] });
    const slow = 'select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b';
    expect(errorOf(await howdah.call('query', { sql: slow, timeout_s: 1 }))).toMatchObject({ code: 'TIMEOUT' });
    expect(await ask('select 1')).toMatchObject({ rows: [[1]] });
    const leaving = new AbortController();
    const called = howdah.call('query', { sql: slow }, { signal: leaving.signal });
    await sleep(500);
    leaving.abort();
    expect(errorOf(await called)).toMatchObject({ code: 'CANCELLED' });
    const working = `select 1 from pg_stat_activity where usename = '${reader.user}' and state = 'active'`;
    await expect.poll(() => runAs(clone().superuserUrl, working), { timeout: 5000 }).toEqual([]);
    expect(await ask('select 2')).toMatchObject({ rows: [[2]] });
  });

  it('explains, and says where a plan for every value needs a session', { timeout: 60_000 }, async () => {
    const sql = 'select id from shop.customers where id = $1';
    expect(answerOf(await howdah.call('explain_query', { sql, parameters: [1] }))).toMatchObject({ generic: false });
    const generic = await howdah.call('explain_query', { sql, generic: true });
    const told = generic.ok ? generic.output['generic'] : generic.error.code;
    expect(told).toBe(pooling === 'session' ? true : 'UNSUPPORTED');
  });

  it('leaves nothing to the next client', { timeout: 60_000 }, async () => {
    const failing = 'select id, 1 / (id - id) from shop.customers where id = $1';
    await howdah.call('query', { sql: failing, parameters: [1] });
    await howdah.call('explain_query', { sql: failing, generic: true });
    await howdah.call('explain_query', { sql: 'select id from shop.customers where id = $1', generic: true });
    // behind a pooler of transactions nothing takes back what a function leaves that the persona was granted
    const leaving = pooling === 'session' ? 'select tricks.leave_behind()' : "select 'done'";
    expect(await ask(leaving)).toMatchObject({ rows: [['done']] });
    for (const fresh of await look()) {
      expect(fresh).toMatchObject({ prepared: 0, locks: 0, temporary: 0, sound: true, timeout: '0', mask_key: '' });
      expect(fresh?.['path']).toBe('"$user", public');
    }
  });
});
