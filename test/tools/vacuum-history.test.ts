import { beforeAll, expect, it } from 'vitest';
import { compile, sql } from '../../src/postgres/sql.ts';
import { hoursSince } from '../../src/tools/vacuum/visited-table.ts';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';
import { rowOf } from './autovacuum.ts';
import { untilCounted } from './counted.ts';

const SCHEMA = [
  'create schema visits',
  'create table visits."Or der" (a integer) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100)',
  'create table visits.never (a integer)',
  'create table visits.analyzed (a integer)',
  'insert into visits."Or der" select generate_series(1, 9000)',
  'insert into visits.never select generate_series(1, 3000)',
];

describeEachMajor('vacuum_history', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const ask = (login: (typeof LOGINS)[number], input: Record<string, unknown> = {}) =>
    howdah(login).call('vacuum_history', { schema: 'visits', ...input });

  beforeAll(async () => {
    const url = clone().superuserUrl;
    await runAs(url, ...SCHEMA);
    await untilCounted(url, `(select n_live_tup = 9000 from pg_stat_user_tables where relname = 'Or der')`);
    await runAs(url, 'vacuum visits."Or der"', 'vacuum visits."Or der"', 'analyze visits.analyzed');
    await untilCounted(
      url,
      `(select count(last_vacuum) + count(last_analyze) = 2 from pg_stat_user_tables where schemaname = 'visits')`,
    );
  });

  it.each(loginsOf(cluster))(
    'says when, how often and for how many writes a table was vacuumed, for %s',
    async (login) => {
      const answer = await ask(login);
      expect(fieldsOf(answer, 'table')).toEqual([['analyzed'], ['Or der'], ['never']]);
      expect(rowOf(answer, 'Or der')).toMatchObject({
        last_vacuum: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        last_autovacuum: null,
        hours_since_analyze: null,
        vacuum_count: 2,
        autovacuum_count: 0,
        analyze_count: 0,
        writes_per_vacuum: 4500,
        dead_rows: 0,
        dead_rows_at: 100,
      });
      expect(Number(rowOf(answer, 'Or der')['hours_since_vacuum'])).toBeLessThan(1);
      expect(rowOf(answer, 'never')).toMatchObject({
        hours_since_vacuum: null,
        writes_per_vacuum: null,
        vacuum_count: 0,
      });
      expect(rowOf(answer, 'analyzed')).toMatchObject({ analyze_count: 1, hours_since_analyze: expect.any(Number) });
      expect(typeof rowOf(answer, 'Or der')['total_vacuum_time']).toBe(cluster.major >= 18 ? 'number' : 'object');
      expect(answer.findings).toEqual([]);
    },
  );

  it('counts all hours since, and not those of the last day', async () => {
    const { text } = compile(sql`select ${hoursSince(sql`now() - interval '75 hours'`)}::float8 as hours`);
    expect(await runAs(clone().superuserUrl, text)).toEqual([{ hours: 75 }]);
  });

  it('lists of the last hours what was visited in them, and of all time what waits longest', async () => {
    expect(fieldsOf(await ask('plain', { hours_back: 1 }), 'table')).toEqual([['analyzed'], ['Or der']]);
    expect((await ask('plain', { hours_back: 0 })).rows).toEqual([]);
    const longest = await ask('plain', { order_by: 'longest_ago' });
    expect(fieldsOf(longest, 'table')).toEqual([['never'], ['Or der'], ['analyzed']]);
    const most = await ask('plain', { order_by: 'count', limit: 1 });
    expect(fieldsOf(most, 'table')).toEqual([['Or der']]);
    expect(most).toMatchObject({ truncated: true, total: 3 });
  });

  it('tells whom a VACUUM in vain is due to', async () => {
    const url = clone().superuserUrl;
    await runAs(url, 'create table visits.held (a integer)', 'insert into visits.held select generate_series(1, 9000)');
    await withSession(url, async (holder) => {
      await holder.query('begin');
      const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid, txid_current()');
      await runAs(url, 'delete from visits.held where a <= 5000');
      await untilCounted(url, `(select n_dead_tup = 5000 from pg_stat_user_tables where relname = 'held')`);
      await runAs(url, 'vacuum visits.held');
      await untilCounted(url, `(select vacuum_count = 1 from pg_stat_user_tables where relname = 'held')`);
      const answer = await ask('monitor', { name: 'held' });
      // autovacuum is off in the tests, which is the first reason that it does not come
      expect(rowOf(answer, 'held')).toMatchObject({ dead_rows: 5000, vacuum_count: 1, hindered_by: 'autovacuum_off' });
      const object = `pid ${rows[0]?.pid}`;
      // how long it took, and so whether it began before the transaction, is known from 18 on
      expect(answer.findings).toMatchObject([
        { severity: cluster.major >= 18 ? 'warning' : 'notice', object, evidence: { tables_vacuumed_in_vain: 1 } },
      ]);
      await runAs(url, 'analyze visits.held', 'vacuum visits.held');
      await untilCounted(url, `(select vacuum_count = 2 from pg_stat_user_tables where relname = 'held')`);
      expect((await ask('monitor', { name: 'held' })).findings).toMatchObject([{ severity: 'warning', object }]);
    });
  });

  it('answers at once while a table is locked', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table visits."Or der" in access exclusive mode');
      const startedAt = performance.now();
      expect(rowOf(await ask('plain'), 'Or der')).toMatchObject({ vacuum_count: 2 });
      expect(performance.now() - startedAt).toBeLessThan(1000);
    });
  });

  it.each([
    ['get_vacuum_analyze_stats', { limit: 500 }, expect.arrayContaining(['Or der', 'payroll', 'job'])],
    [
      'get_autovacuum_activity',
      { schema_name: 'visits', hours_back: 24, limit: 2 },
      expect.arrayContaining(['analyzed']),
    ],
    [
      'get_vacuum_effectiveness_analysis',
      { schema_name: 'visits', limit: 30 },
      expect.arrayContaining(['never', 'Or der']),
    ],
  ])('answers to %s', async (alias, input, tables) => {
    const answer = await howdah('monitor').call(alias, { database_name: clone().name, ...input });
    expect(answer.rows.map(({ table }) => table)).toEqual(tables);
  });
});

describeEachStandby('vacuum_history of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('says that only the primary vacuums, for %s', async (login) => {
    await caughtUp(cluster);
    const answer = await standby(login).call('vacuum_history', { schema: 'pgboss' });
    expect(rowOf(answer, 'job')).toMatchObject({
      vacuum_count: null,
      analyze_count: null,
      last_analyze: null,
      dead_rows: null,
    });
    expect(answer.findings).toEqual([]);
    expect(answer.not_examined?.[0]).toMatchObject({ remedy: 'Ask the primary.' });
  });
});
