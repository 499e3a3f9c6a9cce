import { randomBytes } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { openNarrowHowdah, runAs, useHowdah, type Answer, type Row } from '../postgres/platform.ts';
import { installMonitor, VERSIONS } from './fixtures/pg-stat-monitor.ts';

const secret = randomBytes(6).toString('hex');

interface Monitored {
  readonly database: string;
  readonly version: string;
  readonly createdOn: number;
}

/** What every version counts: so many minutes ago, in a database, with a text and an error. */
async function count(
  url: string,
  { database, version, createdOn }: Monitored,
  rows: readonly (readonly [minutes: number, query: string, elevel: number, sqlcode: string | null])[],
): Promise<void> {
  const isFirst = version === '1.0';
  const time = createdOn >= 13 ? 'exec_time' : 'time';
  const columns = `bucket, bucket_start_time, userid, ${isFirst ? '' : 'username, bucket_done,'} datname, client_ip, queryid, query,
    comments, query_plan, application_name, elevel, sqlcode, message, calls, total_${time}, mean_${time}, max_${time},
    ${isFirst ? 'rows_retrieved' : 'rows'}, shared_blks_hit, shared_blks_read, local_blks_read, temp_blks_read,
    temp_blks_written, cpu_user_time, cpu_sys_time`;
  const now = isFirst ? `pg_catalog.timezone(current_setting('log_timezone'), clock_timestamp())` : 'clock_timestamp()';
  await runAs(
    url,
    ...rows.map(
      ([minutes, query, elevel, sqlcode], i) =>
        `insert into monitor.monitored (${columns}) values (${i}, ${now} - interval '${minutes} minutes',
          'plain'::regrole, ${isFirst ? '' : `'plain', ${minutes > 2},`} '${database}', '10.1.2.${i}', '${i + 100}', $q$${query}$q$,
          'comment ${secret}', 'plan ${secret}', 'app ${i}', ${elevel}, ${sqlcode === null ? 'null' : `'${sqlcode}'`}, 'message ${secret}',
          ${i + 1}, ${(i + 1) * 1500}, 1500, 1750.5, ${i * 10}, 30, 10, 2, 3, 4, 1.25, 0.5)`,
    ),
  );
}

const queries = ({ rows }: Answer) => rows.map(({ query_id }) => query_id);

describeEachMajor('recent_statements', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  /** ERROR, whose number moved. */
  const error = cluster.major >= 14 ? 21 : 20;
  const call = (input: Row) => howdah('monitor').call('recent_statements', input);
  const monitored = [
    [1, `select '${secret}' from shop.customers where id = 7`, 0, null],
    [5, `alter role plain password '${secret}'`, 0, ''],
    [9, `select 1 / 0 as ${'x'.repeat(50)}`, error, '22012'],
    [3, 'select pg_sleep(1)', 19, '01000'],
    [30, `insert into shop.customers values ('${secret}'`, error, '53100'],
  ] as const;

  beforeAll(async () => {
    const { superuserUrl, name } = clone();
    await runAs(superuserUrl, 'create schema monitor', 'grant usage on schema monitor to monitor, plain');
    await runAs(
      superuserUrl,
      `alter database ${name} set "pg_stat_monitor.pgsm_bucket_time" = '60'`,
      `alter database ${name} set "pg_stat_monitor.pgsm_max_buckets" = '10'`,
    );
  });

  it.each(VERSIONS)('reads version $version as made on PostgreSQL $createdOn', async (version) => {
    const { superuserUrl, name: database } = clone();
    await installMonitor(superuserUrl, 'monitor', version);
    await count(superuserUrl, { database, ...version }, monitored);
    const answer = await howdah('monitor').call('recent_statements');
    expect(answer['about']).toMatchObject({ extension_version: version.version });
    expect(queries(answer)).toEqual(['100', '103', '101', '102', '104']);
    expect(answer.rows[0]).toEqual({
      bucket_start: expect.stringMatching(/Z$/),
      bucket_done: version.version === '1.0' ? null : false,
      database,
      user: 'plain',
      application: 'app 0',
      client_address: '10.1.2.0',
      query_id: '100',
      statement: 'select $1 from shop.customers where id = $2',
      calls: 1,
      total_ms: 1500,
      mean_ms: 1500,
      max_ms: 1750.5,
      rows: 0,
      hit_percent: 75,
      read_size: 12 * 8192,
      temp_size: 7 * 8192,
      wal_size: null,
      cpu_ms: 1.75,
      error_level: null,
      sqlstate: null,
    });
    const ago = Date.now() - Date.parse(String(answer.rows[0]?.['bucket_start']));
    expect(Math.abs(ago - 60_000)).toBeLessThan(30_000);
    expect(answer.rows.map(({ error_level, sqlstate }) => [error_level, sqlstate])).toEqual([
      [null, null],
      ['WARNING', '01000'],
      [null, null],
      ['ERROR', '22012'],
      ['ERROR', '53100'],
    ]);
    expect(answer).toMatchObject({ truncated: false, total: 5 });
    expect(JSON.stringify(answer)).not.toContain(secret);
  });

  it('shows the last minutes, one application, address, role or database, or what failed', async () => {
    // what began before it and counts a minute long is part of it
    expect(queries(await call({ since_minutes: 4.5 }))).toEqual(['100', '103', '101']);
    expect(queries(await call({ since_minutes: 0.5 }))).toEqual(['100']);
    expect(queries(await call({ application: 'app 3' }))).toEqual(['103']);
    expect(queries(await call({ client_address: '10.1.2.1' }))).toEqual(['101']);
    expect(queries(await call({ min_calls: 4 }))).toEqual(['103', '104']);
    expect(queries(await call({ errors_only: true }))).toEqual(['102', '104']);
    expect(queries(await call({ user: 'monitor' }))).toEqual([]);
    expect(queries(await call({ of_database: 'postgres' }))).toEqual([]);
    expect(queries(await call({ order_by: 'total_time' }))).toEqual(['104', '103', '102', '101', '100']);
    expect(queries(await call({ order_by: 'rows', limit: 2 }))).toEqual(['104', '103']);
    expect(await call({ limit: 2 })).toMatchObject({ truncated: true, total: 5 });
  });

  it('counts errors whatever is shown, and reports those that the server is to blame for', async () => {
    const answer = await howdah('monitor').call('recent_statements', { limit: 1 });
    expect(answer['errors']).toEqual([
      expect.objectContaining({ sqlstate: '53100', error_level: 'ERROR', calls: 5, database: clone().name }),
      expect.objectContaining({ sqlstate: '22012', error_level: 'ERROR', calls: 3 }),
    ]);
    expect(answer.findings).toMatchObject([{ severity: 'critical', evidence: { sqlstate: '53100', calls: 5 } }]);
    const recent = await howdah('monitor').call('recent_statements', { since_minutes: 10 });
    expect(recent.findings).toEqual([]);
  });

  it('shows no statement and no error of a database that the persona does not open', async () => {
    await count(clone().superuserUrl, { database: 'elsewhere', version: '2.3', createdOn: 18 }, [
      [0, 'select salary from payroll', error, 'XX001'],
    ]);
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    const answer = await narrow.call('recent_statements');
    await narrow.close();
    expect(queries(answer)).toEqual(['100', '103', '101', '102', '104']);
    expect(JSON.stringify(answer)).not.toMatch(/salary|elsewhere|XX001/);
    expect(answer).not.toHaveProperty('total');
    expect(answer.not_examined?.[0]).toMatchObject({ what: '2 rows of other databases' });
    await runAs(clone().superuserUrl, `delete from monitor.monitored where datname = 'elsewhere'`);
  });

  it('tells a plain role whose texts it does not see', async () => {
    await runAs(clone().superuserUrl, `update monitor.monitored set query = '<insufficient privilege>'`);
    const answer = await howdah('plain').call('recent_statements');
    expect(answer.rows.every(({ statement }) => statement === null)).toBe(true);
    expect(answer.not_examined).toContainEqual(expect.objectContaining({ what: 'texts of other roles’ statements' }));
  });

  it('answers to its older name, whose database is where to connect', async () => {
    const answer = await howdah('monitor').call('get_pg_stat_monitor_recent_queries', {
      limit: 2,
      database_name: clone().name,
    });
    expect(answer).toMatchObject({ database: clone().name, truncated: true });
    expect(answer.rows).toMatchObject([
      { calls: 1, total_ms: 1500, mean_ms: 1500, client_address: '10.1.2.0', hit_percent: 75 },
      { calls: 4, total_ms: 6000 },
    ]);
  });

  it('says what to do where the library is newer than the objects, or the extension is missing', async () => {
    await runAs(
      clone().superuserUrl,
      `create function monitor.lost() returns setof monitor.monitored language c as '$libdir/pg_stat_statements', 'pg_stat_statements'`,
      `update pg_proc set prosrc = 'pg_stat_monitor_1_0' where proname = 'lost'`,
      'create or replace view monitor.pg_stat_monitor as select * from monitor.lost()',
    );
    expect(await howdah('monitor').attempt('recent_statements')).toMatchObject({
      ok: false,
      error: { code: 'UNSUPPORTED', hint: expect.stringContaining('ALTER EXTENSION "pg_stat_monitor" UPDATE;') },
    });
    await runAs(clone().superuserUrl, `delete from pg_extension where extname = 'pg_stat_monitor'`);
    expect(await howdah('monitor').attempt('recent_statements')).toMatchObject({
      ok: false,
      error: {
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/^recent_statements needs the extension pg_stat_monitor/),
      },
    });
  });
});
