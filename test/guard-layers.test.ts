/**
 * Hostile statements, run for real as Howdah runs statements of callers and whatever the guard says of them: what the
 * login, the read-only transaction and the resets hold without it. `docs/sql-layers.md` lists what they do not.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeReader } from '../src/calls/callers-login.ts';
import { RESETS } from '../src/postgres/session-settings.ts';
import { CASE_TABLES, guardFixture } from './guard-fixture.ts';
import cases from './sql-guard-cases.json' with { type: 'json' };
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';

/** Besides those of `sql-guard-cases.json`; the ids are those of attacks.json. */
const HOSTILE: readonly (readonly [id: string, sql: string])[] = [
  ['SQ-01', 'SELECT 1; DROP TABLE orders'],
  ['SQ-02', 'ROLLBACK; SET TRANSACTION READ WRITE; DELETE FROM orders'],
  ['SQ-02', 'COMMIT'],
  ['SQ-02', 'ROLLBACK AND CHAIN'],
  ['SQ-02', 'SET default_transaction_read_only = off'],
  ['SQ-02', "SELECT set_config('transaction_read_only', 'off', true)"],
  ['SQ-03', 'WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x'],
  ['SQ-05', "SELECT lo_import('/etc/passwd')"],
  ['SQ-05', 'SELECT lo_create(0)'],
  ['SQ-05', "SELECT nextval('app.counter'), setval('app.counter', 99)"],
  ['SQ-05', 'SELECT pg_advisory_lock(4711), pg_advisory_lock_shared(4712)'],
  ['SQ-05', 'SELECT pg_reload_conf()'],
  ['SQ-05', "SELECT pg_ls_dir('/'), pg_stat_file('/etc/passwd')"],
  ['SQ-05', 'SELECT txid_current()'],
  ['SQ-05', "SELECT pg_backup_start('x'), pg_start_backup('x')"],
  ['SQ-07', 'SET ROLE postgres'],
  ['SQ-07', 'SET SESSION AUTHORIZATION postgres'],
  ['SQ-07', "SELECT set_config('role', 'postgres', false)"],
  ['SQ-07', "SELECT set_config('session_authorization', 'postgres', false)"],
  ['SQ-08', 'SET statement_timeout = 0'],
  ['SQ-08', "SELECT set_config('statement_timeout', '0', false)"],
  ['SQ-09', 'SEL/**/ECT 1'],
  ['SQ-09', `DO $x$ BEGIN EXECUTE U&'\\0064rop table cases.orders'; END $x$`],
  ['SQ-11', 'SET search_path = planted, pg_catalog'],
  ['SQ-11', 'CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.now() $$'],
  ['SQ-11', 'CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)'],
  ['SQ-12', 'SELECT count(*) FROM generate_series(1, 1000000000000)'],
  ['SQ-12', 'SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d'],
  ['SQ-12', 'WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t'],
  ['SQ-12', 'SELECT pg_sleep(1e6)'],
  ['SQ-14', "SET app.note = 'left'"],
  ['SQ-14', 'CREATE TEMP TABLE left_over (a int)'],
  ['SQ-14', 'PREPARE left_over AS SELECT 1'],
  ['SQ-14', 'LISTEN left_over'],
  ['SQ-14', 'DECLARE left_over CURSOR WITH HOLD FOR SELECT 1'],
  ['SQ-14', 'SELECT pg_advisory_lock(1)'],
  ['SQ-14', 'DISCARD ALL'],
  ['SQ-20', "ALTER SYSTEM SET work_mem = '1GB'"],
  ['SQ-20', 'CREATE EXTENSION hstore'],
  ['SQ-20', "ALTER ROLE CURRENT_USER PASSWORD 'x'"],
  ['SQ-20', 'ALTER ROLE CURRENT_USER SET default_transaction_read_only = off'],
  ['SQ-11', 'SELECT app.definer_writes()'],
  ['SQ-05', "SELECT pg_logical_emit_message(false, 'a', 'b')"],
  ['SQ-20', 'GRANT ALL ON cases.orders TO PUBLIC'],
];

const CORPUS = cases.filter((each) => each.expect === 'deny').map(({ sql }) => ['corpus', sql] as const);

describeSomeMajors('without the guard', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const login = `layers_${randomBytes(4).toString('hex')}`;
  let client: pg.Client;
  let watcher: pg.Client;
  const connect = async (user?: string) => {
    const url = new URL(clone().superuserUrl);
    if (user !== undefined) [url.username, url.password] = [user, 'guard'];
    const opened = new pg.Client({ connectionString: url.href });
    opened.on('error', () => undefined);
    await opened.connect();
    return opened;
  };
  beforeAll(async () => {
    const run = (text: string) => runSql(cluster, clone().name, text);
    await run(guardFixture(cluster.major));
    await run(CASE_TABLES);
    await run(`${makeReader(clone().name, login)}\nalter role ${login} password 'guard';`);
    await run(`grant usage on schema cases, app to ${login};
      grant select on all tables in schema cases, app to ${login};
      create function app.definer_writes() returns int language plpgsql security definer
        as 'begin delete from cases.orders; return 1; end';
      create function app.definer_reads() returns bigint language sql security definer
        as 'select count(*) from hr.salaries';
      insert into cases.users select g, 'n' || g, 1, 'e', null from generate_series(1, 50) g;
      insert into cases.orders select g, g, g, 's', now(), '', '', '' from generate_series(1, 50) g;`);
    [client, watcher] = [await connect(login), await connect()];
  });
  afterAll(async () => {
    await Promise.all([client.end(), watcher.end()]);
    await runSql(cluster, clone().name, `drop owned by ${login}; drop role ${login}`);
  });

  /** What must be the same after every statement: rows, objects, files, settings of the server. */
  const world = async () => {
    const { rows } = await watcher.query<Record<string, string>>(`
      select (select md5(string_agg(o::text, ',' order by id)) from cases.orders o) as orders,
             (select md5(string_agg(u::text, ',' order by id)) from cases.users u) as users,
             (select last_value::text || is_called from app.counter) as counter,
             (select md5(string_agg(c::text, ',' order by oid)) from (select oid, relname, relacl::text from pg_class) c) as relations,
             (select md5(string_agg(p::text, ',' order by oid)) from (select oid, proname, proacl::text from pg_proc) p) as functions,
             (select count(*)::text from pg_largeobject_metadata) as large_objects,
             (select md5(string_agg(r::text, ',' order by rolname)) from pg_roles r where rolname = '${login}') as role,
             (select count(*)::text from pg_database where datdba = '${login}'::regrole) as databases,
             (select md5(string_agg(e.extname, ',' order by extname)) from pg_extension e) as extensions,
             (select count(*)::text from pg_replication_slots) as slots,
             (select stats_reset::text from pg_stat_database where datname = current_database()) as statistics`);
    const top = readdirSync(cluster.dataDir).toSorted();
    const auto = readFileSync(join(cluster.dataDir, 'postgresql.auto.conf'), 'utf8');
    const snapshots = readdirSync(join(cluster.dataDir, 'pg_snapshots'));
    const outside = ['/tmp/x', '/tmp/orders.csv'].filter((file) => existsSync(file));
    return { ...rows[0], top, auto, snapshots, outside };
  };

  /** What the next caller would find in the session. */
  const session = async () => {
    const { rows } = await client.query<Record<string, unknown>>(`
      select session_user::text, current_user::text,
             (select json_agg(json_build_array(name, setting) order by name) from pg_catalog.pg_settings
               where name <> 'in_hot_standby' and name not like 'plpgsql.%') as settings,
             pg_catalog.current_setting('app.note', true) as note,
             (select json_agg(c) from pg_catalog.pg_listening_channels() c) as channels,
             (select count(*)::int from pg_catalog.pg_prepared_statements where name <> '') as prepared,
             (select count(*)::int from pg_catalog.pg_cursors where name <> '') as cursors,
             pg_catalog.pg_my_temp_schema()::int as temporary,
             (select count(*)::int from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid()
               and locktype = 'advisory') as advisory`);
    return { ...rows[0], note: rows[0]?.['note'] ?? '' };
  };

  interface Ran {
    readonly error: string | undefined;
    /** While its transaction was open. */
    readonly hadXid: boolean;
    readonly strongLocks: number;
  }

  const say = (text: string) => client.query({ text, queryMode: 'extended' } as pg.QueryConfig);

  /** One statement in a transaction as Howdah opens it, taken back as Howdah does. */
  const run = async (sql: string): Promise<Ran> => {
    await say('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await say(`SELECT pg_catalog.set_config('search_path', 'pg_catalog, cases, app, pg_temp', true),
      pg_catalog.set_config('statement_timeout', '400', true), pg_catalog.set_config('lock_timeout', '200', true)`);
    const error = await say(sql).then(
      () => undefined,
      (reason: pg.DatabaseError) => reason.code ?? reason.message,
    );
    const pid = (client as unknown as { processID: number }).processID;
    const { rows } = await watcher.query<{ xid: boolean; locks: number }>(
      `select backend_xid is not null as xid, (select count(*)::int from pg_locks l where l.pid = a.pid
         and (locktype = 'advisory' or mode not in ('AccessShareLock', 'ExclusiveLock'))) as locks
         from pg_stat_activity a where pid = $1`,
      [pid],
    );
    await say('ROLLBACK');
    for (const { text } of RESETS) await say(text);
    return { error, hadXid: rows[0]?.xid ?? false, strongLocks: rows[0]?.locks ?? 0 };
  };

  it.each([...HOSTILE, ...CORPUS])('%s: nothing is left of %s', async (_, sql) => {
    const [before, had] = [await world(), await session()];
    await run(sql);
    expect(await session()).toEqual(had);
    expect(await world()).toEqual(before);
  });

  // docs/sql-layers.md names each of these
  it('holds nothing against locks of the application while a statement runs', async () => {
    expect(await run('SELECT pg_advisory_lock(4711)')).toEqual({ error: undefined, hadXid: false, strongLocks: 1 });
  });

  it.each(['SELECT txid_current()', "SELECT pg_logical_emit_message(true, 'a', 'b')"])(
    'holds nothing against a transaction id: %s',
    async (sql) => {
      expect(await run(sql)).toEqual({ error: undefined, hadXid: true, strongLocks: 0 });
    },
  );

  it('holds nothing against a message in the WAL, which no ROLLBACK takes back', async () => {
    expect(await run("SELECT pg_logical_emit_message(false, 'a', 'b')")).toMatchObject({ error: undefined });
  });

  it('holds nothing against the end of other sessions of the same login', async () => {
    const other = await connect(login);
    const ended = new Promise((resolve) => other.once('end', resolve));
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = '${login}' AND pid <> pg_backend_pid()`;
    expect(await run(sql)).toMatchObject({ error: undefined });
    await ended;
    const foreign = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'";
    expect(await run(foreign)).toMatchObject({ error: '42501' });
  });

  it('holds nothing against rows by COPY, which no cap counts', async () => {
    expect(await run('COPY orders TO STDOUT')).toMatchObject({ error: undefined });
  });

  it('holds nothing against SQL in a text, nor against functions that users have made', async () => {
    expect(await run("SELECT query_to_xml('SELECT * FROM users', true, false, '')")).toMatchObject({
      error: undefined,
    });
    expect(await run('SELECT app.by_view(1), app.definer_reads()')).toMatchObject({ error: undefined });
    expect(await run('SELECT app.definer_writes()')).toMatchObject({ error: '25006' });
  });

  it('ends what runs on at its deadline, unless it takes the deadline off first', async () => {
    expect(await run('SELECT pg_sleep(1e6)')).toMatchObject({ error: '57014' });
    expect(await run("SELECT set_config('statement_timeout', '0', true)")).toMatchObject({ error: undefined });
  });

  it('shows what statistics hold of every table that the login may read', async () => {
    await watcher.query('analyze cases.users');
    await client.query('begin read only');
    const { rows } = await client.query<{ seen: string }>(
      "select most_common_vals::text as seen from pg_stats where tablename = 'users' and attname = 'email'",
    );
    await client.query('rollback');
    expect(rows).toEqual([{ seen: '{e}' }]);
  });
});
