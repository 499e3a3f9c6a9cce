import { expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { waitingForLock, withSessions } from '../postgres/sessions.ts';
import { untilCounted } from './counted.ts';

const all = { limit: 500 };

function rowOf(answer: Answer, database: string | null, part = 'rows'): Row | undefined {
  return (answer[part] as readonly Row[]).find((row) => row['database'] === database);
}

/** Fields that are not within their bounds. */
function outside(row: Row | undefined, bounds: Readonly<Record<string, readonly [number, number]>>): unknown[] {
  return Object.entries(bounds).filter(([field, [low, high]]) => {
    const value = Number(row?.[field]);
    return !(value >= low && value <= high);
  });
}

describeEachMajor('database_statistics', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it('counts what sessions did, to the row, in bytes and milliseconds', async () => {
    const { superuserUrl, name } = clone();
    await runAs(
      superuserUrl,
      'create table public.counted (id integer)',
      'insert into public.counted select generate_series(1, 1000)',
      'update public.counted set id = -id where id <= 300',
      'delete from public.counted where id > 900',
      'begin',
      'rollback',
      'set work_mem = 64',
      'select count(*) from (select generate_series(1, 300000) order by 1) s',
      'select pg_sleep(0.3)',
    );
    await untilCounted(
      superuserUrl,
      `(select temp_bytes > 3000000 from pg_stat_database where datname = current_database())`,
    );
    const view = `select tup_updated::integer, temp_files::integer, temp_bytes::integer as temp_size, deadlocks::integer, xact_rollback::integer as rollbacks,
                         xact_commit::integer as commits, 8192 * blks_read::float8 as read_size from pg_stat_database where datname = '${name}'`;
    const [before] = await runAs(superuserUrl, view);
    const answer = await howdah('plain').call('database_statistics', all);
    const [after] = await runAs(superuserUrl, view);
    const row = rowOf(answer, name);
    expect(row).toMatchObject({ temp_files: before?.['temp_files'], temp_size: before?.['temp_size'], deadlocks: 0 });
    // catalogues have rows too
    expect(outside(row, { tup_inserted: [1000, 1200], tup_updated: [300, 400], tup_deleted: [100, 200] })).toEqual([]);
    const around = (field: string): [number, number] => [Number(before?.[field]), Number(after?.[field])];
    expect(
      outside(row, { commits: around('commits'), rollbacks: around('rollbacks'), read_size: around('read_size') }),
    ).toEqual([]);
    const [commits, rollbacks] = [Number(row?.['commits']), Number(row?.['rollbacks'])];
    expect(row?.['rollback_percent']).toBeCloseTo((100 * rollbacks) / (commits + rollbacks), 1);
    expect(Number(row?.['hit_percent'])).toBeGreaterThan(50);
    expect(Number(row?.['transactions_per_s'])).toBeGreaterThanOrEqual(0);
    expect(row?.['counted_since']).toMatch(/Z$/);
    expect(answer.findings).toEqual([]);
  });

  it.runIf(cluster.major < 14)('says that older versions do not count how sessions went', async () => {
    const answer = await howdah('plain').call('database_statistics', all);
    expect(answer['sessions']).toEqual([]);
    expect((answer.not_examined ?? []).map(({ what }) => what)).toEqual(['how sessions went']);
  });

  it.runIf(cluster.major >= 14)('tells how sessions went', async () => {
    await untilCounted(
      clone().superuserUrl,
      `(select sessions > 2 and active_time > 300 from pg_stat_database where datname = current_database())`,
    );
    const answer = await howdah('plain').call('database_statistics', all);
    const sessions = rowOf(answer, clone().name, 'sessions');
    expect(Number(sessions?.['sessions'])).toBeGreaterThanOrEqual(3);
    expect(Number(sessions?.['active_ms'])).toBeGreaterThan(300);
    expect(Number(sessions?.['session_ms'])).toBeGreaterThan(Number(sessions?.['active_ms']));
    expect(Number(sessions?.['session_ms'])).toBeLessThan(600_000);
    expect(sessions).toMatchObject({ sessions_killed: 0, sessions_fatal: 0 });
    expect(sessions?.['parallel_workers_to_launch'] === null).toBe(cluster.major < 18);
    await withSession(clone().superuserUrl, async (session) => {
      const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
      await runAs(clone().superuserUrl, `select pg_terminate_backend(${rows[0]?.pid})`);
    }).catch(() => undefined);
    await untilCounted(
      clone().superuserUrl,
      `(select sessions_killed = 1 from pg_stat_database where datname = current_database())`,
    );
    expect(rowOf(await howdah('monitor').call('database_statistics', all), clone().name, 'sessions')).toMatchObject({
      sessions_killed: 1,
    });
  });

  it('counts a deadlock, and reports as many as it is told to', async () => {
    const url = clone().superuserUrl;
    await withSessions([url, url], async ([one, two], pids) => {
      for (const [i, session] of [one, two].entries()) {
        await session?.query(`set deadlock_timeout = '100ms'`);
        await session?.query('begin');
        await session?.query('select pg_advisory_xact_lock($1)', [i]);
      }
      const first = one?.query('select pg_advisory_xact_lock(1)');
      await withSession(url, (observer) => waitingForLock(observer, pids[0] ?? 0));
      const outcomes = await Promise.allSettled([first, two?.query('select pg_advisory_xact_lock(0)')]);
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    });
    await untilCounted(url, `(select deadlocks = 1 from pg_stat_database where datname = current_database())`);
    expect(rowOf(await howdah('monitor').call('database_statistics', all), clone().name)?.['deadlocks']).toBe(1);
    const strict = await howdah('monitor').call('database_statistics', { ...all, max_deadlocks_per_day: 0 });
    expect(strict.findings).toContainEqual(
      expect.objectContaining({
        object: `"${clone().name}"`,
        claim: expect.stringContaining(' has 1 deadlocks a day.'),
      }),
    );
  });

  it.each(loginsOf(cluster))(
    'has the shared catalogues as a row of no database, and no failures where nobody looks for them, for %s',
    async (login) => {
      const answer = await howdah(login).call('database_statistics', all);
      expect(rowOf(answer, null)).toMatchObject({ connections: 0, tup_returned: expect.any(Number) });
      const [known] = await runAs(
        clone().superuserUrl,
        `select current_setting('data_checksums')::boolean as on, (select count(*)::integer from pg_database) + 1 as rows`,
      );
      expect(answer['data_checksums']).toBe(known?.['on']);
      const failures = new Set(answer.rows.map(({ checksum_failures }) => checksum_failures));
      expect(failures).toEqual(new Set([known?.['on'] === true ? 0 : null]));
      expect(answer).toMatchObject({ total: answer.rows.length, truncated: false });
      expect(Math.abs(answer.total - Number(known?.['rows']))).toBeLessThanOrEqual(3); // others come and go
    },
  );

  it.each([
    ['transactions', (row: Row) => Number(row['commits']) + Number(row['rollbacks'])],
    ['rollbacks', (row: Row) => Number(row['rollbacks'])],
    ['reads', (row: Row) => Number(row['read_size'])],
    ['temp', (row: Row) => Number(row['temp_size'])],
    ['deadlocks', (row: Row) => Number(row['deadlocks'])],
  ] as const)('puts first what has most %s', async (order_by, valueOf) => {
    const { rows } = await howdah('monitor').call('database_statistics', { ...all, order_by });
    expect(rows.map(valueOf)).toEqual(rows.map(valueOf).toSorted((a, b) => b - a));
    expect((await howdah('monitor').call('database_statistics', { limit: 1, order_by })).rows).toHaveLength(1);
  });

  it('shows the persona its own database, and what is nobody’s', async () => {
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      const answer = await narrow.call('database_statistics', all);
      expect(new Set(answer.rows.map(({ database }) => database))).toEqual(new Set([clone().name, null]));
      expect(JSON.stringify(answer)).not.toMatch(new RegExp(`${other.name}|template1`));
      expect(answer.not_examined?.[0]).toMatchObject({ reason: 'The persona "narrow" does not open them.' });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('answers to its older name', async () => {
    const answer = await howdah('monitor').call('get_database_stats', { limit: 500 });
    expect(rowOf(answer, clone().name)).toMatchObject({
      commits: expect.any(Number),
      hit_percent: expect.any(Number),
      temp_files: expect.any(Number),
      deadlocks: 1,
    });
  });
});

describeEachStandby('database_statistics of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('are its own, for %s', async (login) => {
    const answer = await standby(login).call('database_statistics', all);
    expect(rowOf(answer, clone().name)).toMatchObject({ tup_inserted: 0, conflicts: 0, deadlocks: 0 });
  });
});
