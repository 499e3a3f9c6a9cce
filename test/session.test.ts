import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReadOnlySession } from '../src/postgres/database.ts';
import { decodeRows } from '../src/postgres/exact-values.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachMajor, newestCluster } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { failureOf, inSession, rowsOf, statement, targetOf } from './session-kit.ts';

const SETTINGS = [
  'search_path',
  'transaction_read_only',
  'transaction_isolation',
  'standard_conforming_strings',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'bytea_output',
  'extra_float_digits',
  'lock_timeout',
  'application_name',
];

async function settingsOf(session: ReadOnlySession, names: readonly string[]): Promise<Record<string, unknown>> {
  const columns = names.map((name) => `current_setting('${name}', true) as "${name}"`);
  const [row] = decodeRows(await session.query(statement(`select ${columns.join(', ')}`)));
  return row ?? {};
}

/** PostgreSQL shows whole seconds as such. */
function seconds(setting: unknown): number {
  return Number.parseInt(String(setting), 10) / (String(setting).endsWith('ms') ? 1000 : 1);
}

describeEachMajor('a read-only session', (cluster) => {
  const clone = useClone(cluster);
  let pool: Pool;
  beforeAll(() => {
    pool = openPool(targetOf(clone().superuserUrl), { permits: createPermits(1) });
  });
  afterAll(() => pool.close());

  it('has its settings in force, whatever those of the role are', async () => {
    const url = new URL(clone().superuserUrl);
    await runSql(
      cluster,
      clone().name,
      `
      create role odd superuser login password 'odd';
      alter role odd set search_path = public; alter role odd set "TimeZone" = 'Asia/Tokyo';
      alter role odd set "DateStyle" = 'SQL, DMY'; alter role odd set bytea_output = 'escape';
      alter role odd set extra_float_digits = -15; alter role odd set standard_conforming_strings = off;
      alter role odd set lock_timeout = '1h'; alter role odd set statement_timeout = '2h'`,
    );
    url.username = url.password = 'odd';
    const odd = openPool(targetOf(url.href), { permits: createPermits(1) });
    try {
      const settings = await inSession(odd, (session) => settingsOf(session, SETTINGS));
      expect(settings).toEqual({
        search_path: 'pg_catalog, pg_temp',
        transaction_read_only: 'on',
        transaction_isolation: 'read committed',
        standard_conforming_strings: 'on',
        DateStyle: 'ISO, YMD',
        IntervalStyle: 'iso_8601',
        TimeZone: 'UTC',
        bytea_output: 'hex',
        extra_float_digits: '1',
        lock_timeout: '300ms',
        application_name: 'howdah test',
      });
    } finally {
      await odd.close();
      await runSql(cluster, 'postgres', 'drop role odd');
    }
  });

  it('gives the server what is left of the deadline, and a little more before it ends a forgotten transaction', async () => {
    const names = ['statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'];
    const settings = await inSession(pool, (session) => settingsOf(session, names), { timeoutMs: 8000 });
    expect(seconds(settings['statement_timeout'])).toBeGreaterThan(6);
    expect(seconds(settings['statement_timeout'])).toBeLessThanOrEqual(8);
    const forgotten = seconds(settings['idle_in_transaction_session_timeout']);
    expect(forgotten).toBeGreaterThan(11);
    expect(forgotten).toBeLessThanOrEqual(13);
    expect(settings['transaction_timeout']).toBe(
      cluster.major >= 17 ? settings['idle_in_transaction_session_timeout'] : null,
    );
  });

  it('refuses to write, and says so', async () => {
    const failure = await failureOf(rowsOf(pool, 'create table public.written (x int)'));
    expect(failure).toMatchObject({ code: 'QUERY_FAILED', details: { sqlstate: '25006' } });
    expect((await failureOf(rowsOf(pool, `select nextval('public.x')`))).code).toBe('QUERY_FAILED');
  });

  it.each([
    ['made read-write', 'set transaction read write'],
    ['made read-write by a function', `select set_config('transaction_read_only', 'off', true)`],
  ])('cannot be %s', async (_, text) => {
    const failure = await failureOf(
      inSession(pool, async (session) => {
        await session.query(statement(text));
        await session.query(statement('create table public.written (x int)'));
      }),
    );
    expect(failure.details?.['sqlstate']).toMatch(/^25/);
  });

  it.each(['commit', 'rollback', 'commit and chain'])(
    'does not outlive %j: no statement runs behind it',
    async (text) => {
      let reached = false;
      const failure = await failureOf(
        inSession(pool, async (session) => {
          await session.query(statement('select 1'));
          await session.query(statement(text));
          reached = true;
          await session.query(statement('create table public.written (x int)'));
        }),
      );
      expect(reached).toBe(false);
      expect(failure.code).toBe('QUERY_FAILED');
      expect(await rowsOf(pool, `select to_regclass('public.written') as written`)).toEqual([{ written: null }]);
    },
  );

  it('leaves nothing behind: it is always rolled back', async () => {
    const set = statement(`select set_config('howdah.left', 'behind', false), pg_backend_pid() as pid`);
    const look = `select current_setting('howdah.left', true) as kept, pg_backend_pid() as pid`;
    const [before] = decodeRows(await inSession(pool, (session) => session.query(set)));
    await failureOf(
      inSession(pool, async (session) => {
        await session.query(set);
        throw new Error('in between');
      }),
    );
    const [after] = await rowsOf(pool, look);
    expect(after?.['pid']).toBe(before?.['pid']);
    expect(after?.['kept'] || null).toBeNull();
    const idle = `select state, xact_start, query from pg_stat_activity where pid = ${String(after?.['pid'])}`;
    await expect
      .poll(async () => (await runSql(cluster, 'postgres', idle)).rows)
      .toEqual([{ state: 'idle', xact_start: null, query: 'ROLLBACK' }]);
  });

  it("is known to the server's own views by its name", async () => {
    const look = 'select application_name from pg_stat_activity where pid = pg_backend_pid()';
    expect(await rowsOf(pool, look, { applicationName: 'howdah 0190-abc' })).toEqual([
      { application_name: 'howdah 0190-abc' },
    ]);
  });

  it('never reaches a planted function, operator or table', async () => {
    await runSql(
      cluster,
      clone().name,
      `
      create function public.pg_total_relation_size(text) returns bigint language sql as 'select -1::bigint';
      create function public.planted(text, text) returns boolean language sql as 'select true';
      create operator public.= (leftarg = text, rightarg = text, function = public.planted);
      create table public.pg_class (relname text); insert into public.pg_class values ('planted')`,
    );
    const rows = await rowsOf(
      pool,
      `
      select pg_total_relation_size('pg_catalog.pg_class') > 0 as real_size, 'a'::text = 'b'::text as equal,
             (select count(*) from pg_class where relname = 'planted') as planted`,
    );
    expect(rows).toEqual([{ real_size: true, equal: false, planted: '0' }]);
  });

  it('gives exact values', async () => {
    const [row] = await rowsOf(
      pool,
      `
      select 9223372036854775807::int8 as int8, -5::int4 as int4, 4294967295::oid as oid,
             1234567890123456789012345678901234567890.5::numeric as numeric, 'NaN'::numeric as no_number,
             0.1::float8 as float8, 'NaN'::float8 as nan, '-infinity'::float8 as endless,
             '2026-11-20 18:54:37.123456+00'::timestamptz as at, '2026-11-20 18:54:37'::timestamp as local,
             'infinity'::timestamptz as never, '0044-03-15 12:00:00+00 BC'::timestamptz as ides,
             '2026-11-20'::date as day, 'infinity'::date as no_day, '1 day 02:00:03.5'::interval as lasting,
             '16/B374D848'::pg_lsn as lsn, '\\xdeadbeef'::bytea as bytes, true as yes, null::int as nothing,
             '{"big": 9007199254740993}'::jsonb as json, ''::text as empty, 'ä€😀'::text as text`,
    );
    expect(row).toEqual({
      int8: '9223372036854775807',
      int4: -5,
      oid: 4_294_967_295,
      numeric: '1234567890123456789012345678901234567890.5',
      no_number: 'NaN',
      float8: 0.1,
      nan: 'NaN',
      endless: '-Infinity',
      at: '2026-11-20T18:54:37.123456Z',
      local: '2026-11-20T18:54:37',
      never: 'infinity',
      ides: '0044-03-15 12:00:00+00 BC',
      day: '2026-11-20',
      no_day: 'infinity',
      lasting: 'P1DT2H3.5S',
      lsn: '16/B374D848',
      bytes: '\\xdeadbeef',
      yes: true,
      nothing: null,
      json: '{"big": 9007199254740993}',
      empty: '',
      text: 'ä€😀',
    });
  });

  it('sends values as parameters, of every kind', async () => {
    const text = 'select $1::int8 as a, $2::text as b, $3::bool as c, $4::text[] as d, $5::int[] as e, $6::text as f';
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const values = { a: 7, b: `'; drop table x; --`, c: false, d: ['x,y', '"', 'NULL'], e: [1, -2], f: null };
    const result = await inSession(pool, (session) => session.query(statement(text, ...names), values));
    expect(result.rows).toEqual([['7', `'; drop table x; --`, 'f', '{"x,y","\\"","NULL"}', '{1,-2}', null]]);
  });

  it('sees one snapshot when it is asked for', async () => {
    await runSql(cluster, clone().name, 'create table public.counted (x int)');
    const count = statement('select count(*)::int as n from public.counted');
    const counts = await inSession(
      pool,
      async (session) => {
        const before = await session.query(count);
        await runSql(cluster, clone().name, 'insert into public.counted values (1)');
        return [...before.rows, ...(await session.query(count)).rows];
      },
      { isolation: 'repeatable read' },
    );
    expect(counts).toEqual([['0'], ['0']]);
  });

  it('runs nothing more after a failure, and the connection serves on', async () => {
    const pid = await rowsOf(pool, 'select pg_backend_pid() as pid');
    const failures = await inSession(pool, async (session) => {
      const first = await failureOf(session.query(statement('select 1/0 as x')));
      const second = await failureOf(session.query(statement('select 2 as x')));
      return [first, second];
    });
    expect(failures[0]).toMatchObject({ code: 'QUERY_FAILED', details: { sqlstate: '22012' } });
    expect(failures[1]).toBe(failures[0]);
    expect(await rowsOf(pool, 'select pg_backend_pid() as pid')).toEqual(pid);
  });

  it('runs statements that are asked for at once one after the other', async () => {
    const results = await inSession(pool, (session) =>
      Promise.all([1, 2, 3].map((n) => session.query(statement('select $1::int as n', 'n'), { n }))),
    );
    expect(results.map(({ rows }) => rows[0]?.[0])).toEqual(['1', '2', '3']);
  });

  it('knows the server and the role', async () => {
    const facts = await inSession(pool, (session) => Promise.resolve(session.facts));
    expect(facts).toMatchObject({ major: cluster.major, inRecovery: false, database: clone().name });
    expect(facts.version.startsWith(String(cluster.major))).toBe(true);
    expect(Math.floor(facts.versionNum / 10_000)).toBe(cluster.major);
    expect(facts.role).toMatchObject({ name: 'postgres', superuser: true, predefinedRoles: [] });
  });

  it('knows of predefined roles that were granted by way of others', async () => {
    const monitor = openPool(targetOf(clone().monitorUrl), { permits: createPermits(1) });
    try {
      const { role } = await inSession(monitor, (session) => Promise.resolve(session.facts));
      const [expected] = (
        await runSql(
          cluster,
          'postgres',
          `
          select array_agg(r.rolname::text order by r.rolname) as names from pg_roles r
           where r.rolname like 'pg\\_%' and pg_has_role('monitor', r.oid, 'member')`,
        )
      ).rows as { names: string[] }[];
      expect(role.superuser).toBe(false);
      expect(role.predefinedRoles).toContain('pg_read_all_stats');
      expect(role.predefinedRoles).toEqual(expected?.names.filter((name) => name !== 'pg_database_owner'));
    } finally {
      await monitor.close();
    }
  });

  it('makes one entry of pg_stat_statements for its settings, whatever their values', async () => {
    for (const name of ['one', 'two', 'three']) await rowsOf(pool, 'select 1', { applicationName: name });
    const { rows } = await runSql(
      cluster,
      clone().name,
      `select count(distinct query)::int as n from pg_stat_statements s join pg_database d on d.oid = s.dbid
        where d.datname = '${clone().name}' and query like 'SELECT pg_catalog.pg_is_in_recovery()%set_config(%' and calls >= 3`,
    );
    // from 17 on there are two: when a connection is opened, its version is not known yet
    expect(rows).toEqual([{ n: cluster.major >= 17 ? 2 : 1 }]);
  });

  it('waits for a lock no longer than it may, and says what to do', async () => {
    await runSql(cluster, clone().name, 'create table public.locked (x int)');
    const holder = new pg.Client(clone().superuserUrl);
    await holder.connect();
    await holder.query('begin; lock table public.locked');
    const failure = await failureOf(rowsOf(pool, 'select * from public.locked'));
    expect(failure).toMatchObject({ code: 'QUERY_FAILED', details: { sqlstate: '55P03' } });
    expect(failure.hint).toContain('lock');
    await holder.end();
  });
});

describe('a read-only session', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  let pool: Pool;
  beforeAll(() => {
    pool = openPool(targetOf(clone().superuserUrl), { permits: createPermits(2) });
  });
  afterAll(() => pool.close());

  it('does not read a row of 600 MB, and the process stays small', async () => {
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
    const failure = await failureOf(rowsOf(pool, `select repeat('x', 600000000) as x`, { timeoutMs: 60_000 }));
    clearInterval(watch);
    expect(failure.message).toMatch(/^A row of 6000000\d\d bytes exceeds the limit of 16777216 bytes\.$/);
    expect(failure.hint).toContain('left()');
    expect(peak - before).toBeLessThan(100 * 1024 * 1024);
    expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  }, 60_000);

  it('does not keep rows without end', async () => {
    const before = process.memoryUsage().rss;
    const failure = await failureOf(rowsOf(pool, 'select generate_series(1, 100000000) as n'));
    expect(failure).toMatchObject({ code: 'QUERY_FAILED', details: { limit_bytes: 67_108_864 } });
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
    expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('refuses COPY, in either direction', async () => {
    const out = await failureOf(rowsOf(pool, 'copy (select 1) to stdout'));
    expect(out).toMatchObject({ code: 'QUERY_FAILED', hint: 'Use SELECT.' });
    expect((await failureOf(rowsOf(pool, 'copy public.orders from stdin'))).code).toBe('QUERY_FAILED');
    expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('takes an empty statement for one without columns', async () => {
    const result = await inSession(pool, (session) => session.query(statement('')));
    expect(result).toEqual({ fields: [], rows: [], command: '' });
  });

  it('does not send NUL, which would end the text on its way', async () => {
    const failure = await failureOf(rowsOf(pool, 'select 1\0; drop table x'));
    expect(failure.code).toBe('INTERNAL');
    const value = inSession(pool, (session) => session.query(statement('select $1::text', 'x'), { x: 'a\0b' }));
    expect(await failureOf(value)).toMatchObject({ code: 'QUERY_FAILED', details: { sqlstate: '22021' } });
  });

  it('names the value that a statement was not given', async () => {
    const failure = await failureOf(inSession(pool, (session) => session.query(statement('select $1::int', 'n'), {})));
    expect(failure.message).toBe('The statement was given no value for "n".');
  });

  it('runs nothing after its end', async () => {
    const escaped = await inSession(pool, (session) => Promise.resolve(session));
    expect((await failureOf(escaped.query(statement('select 1')))).message).toBe('The session has ended.');
  });

  it('ends a statement that nobody waits for', async () => {
    await inSession(pool, (session) => {
      session.query(statement('select pg_sleep(30)')).catch(() => undefined);
      return sleep(100);
    }).catch(() => undefined);
    const running = `select count(*)::int as n from pg_stat_activity
                      where state = 'active' and query = 'select pg_sleep(30)' and datname = '${clone().name}'`;
    await expect
      .poll(async () => (await runSql(cluster, 'postgres', running)).rows, { timeout: 1000 })
      .toEqual([{ n: 0 }]);
  });

  it('prepares a statement once for each connection', async () => {
    const single = openPool(targetOf(clone().superuserUrl), { permits: createPermits(1) });
    try {
      for (let i = 0; i < 3; i++) await rowsOf(single, 'select 42 as answer');
      const prepared = await rowsOf(
        single,
        `select statement from pg_prepared_statements where statement like 'select 42%'`,
      );
      expect(prepared).toEqual([{ statement: 'select 42 as answer' }]);
    } finally {
      await single.close();
    }
  });

  it('survives that a prepared statement changes its type, or is gone', async () => {
    await runSql(cluster, clone().name, 'create table public.changing (x int); insert into public.changing values (1)');
    expect(await rowsOf(pool, 'select * from public.changing')).toEqual([{ x: 1 }]);
    await runSql(cluster, clone().name, 'alter table public.changing add y text');
    expect(await rowsOf(pool, 'select * from public.changing')).toEqual([{ x: 1, y: null }]);
    await rowsOf(pool, 'deallocate all');
    expect(await rowsOf(pool, 'select * from public.changing')).toEqual([{ x: 1, y: null }]);
  });

  it('reads a database of another encoding, and fails in words on bytes that are no text', async () => {
    await runSql(cluster, 'postgres', `create database latin encoding 'LATIN1' locale 'C' template template0`);
    await runSql(cluster, 'postgres', `create database anything encoding 'SQL_ASCII' locale 'C' template template0`);
    const permits = createPermits(2);
    const [latin, anything] = ['latin', 'anything'].map((database) =>
      openPool(targetOf(clone().superuserUrl, { database }), { permits }),
    );
    try {
      if (!latin || !anything) throw new Error('no pools');
      expect(await rowsOf(latin, 'select chr(228) as a')).toEqual([{ a: 'ä' }]);
      const failure = await failureOf(rowsOf(anything, `select E'\\xe4' as a`));
      expect(failure).toMatchObject({ code: 'QUERY_FAILED', details: { sqlstate: '22021' } });
      expect(await rowsOf(anything, `select 'a' as a`)).toEqual([{ a: 'a' }]);
    } finally {
      await Promise.all([latin?.close(), anything?.close()]);
      await runSql(cluster, 'postgres', 'drop database latin');
      await runSql(cluster, 'postgres', 'drop database anything');
    }
  });
});
