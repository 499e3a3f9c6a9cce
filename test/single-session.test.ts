/** Sessions of one statement, whose transaction ends in the same round trip. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeRows } from '../src/postgres/exact-values.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachMajor } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { failureOf, inSession, pidOf, rowsOf, statement, targetOf } from './session-kit.ts';

describeEachMajor('a session of one statement', (cluster) => {
  const clone = useClone(cluster);
  let pool: Pool;
  beforeAll(() => {
    pool = openPool(targetOf(clone().superuserUrl), { permits: createPermits(1) });
  });
  afterAll(() => pool.close());

  const single = (text: string) => rowsOf(pool, text, { single: true });

  it('has the settings of every other session', async () => {
    const look = `select current_setting('search_path') as path, current_setting('transaction_read_only') as read_only,
                         current_setting('lock_timeout') as lock, current_setting('application_name') as name`;
    expect(await single(look)).toEqual([
      { path: 'pg_catalog, pg_temp', read_only: 'on', lock: '300ms', name: 'howdah test' },
    ]);
    expect(await single(look)).toEqual(await rowsOf(pool, look));
  });

  it('refuses to write', async () => {
    const failure = await failureOf(single('create table public.written (x int)'));
    expect(failure).toMatchObject({ code: 'QUERY_FAILED', details: { sqlstate: '25006' } });
  });

  it('has ended its transaction when the rows are there, and left nothing behind', async () => {
    const set = `select set_config('howdah.left', 'behind', false), pg_backend_pid() as pid`;
    await inSession(
      pool,
      async (session) => {
        const [row] = decodeRows(await session.query(statement(set)));
        const look = `select state, xact_start, query from pg_stat_activity where pid = ${String(row?.['pid'])}`;
        expect((await runSql(cluster, 'postgres', look)).rows).toEqual([
          { state: 'idle', xact_start: null, query: 'ROLLBACK' },
        ]);
      },
      { single: true },
    );
    const [kept] = await rowsOf(pool, `select current_setting('howdah.left', true) as kept`);
    expect(kept?.['kept'] || null).toBeNull();
  });

  it('runs no second statement, which would stand in no transaction', async () => {
    const failure = await failureOf(
      inSession(
        pool,
        async (session) => {
          await session.query(statement('select 1'));
          await session.query(statement('create table public.written (x int)'));
        },
        { single: true },
      ),
    );
    expect(failure.message).toBe('The session has ended.');
    expect(await rowsOf(pool, `select to_regclass('public.written') as written`)).toEqual([{ written: null }]);
  });

  it.each(['commit', 'rollback', 'commit and chain'])('does not outlive %j', async (text) => {
    const pid = await pidOf(pool);
    expect((await failureOf(single(text))).message).toBe('The statement ended the read-only transaction.');
    expect(await pidOf(pool)).not.toBe(pid);
  });

  it('is rolled back after a failure too, and its connection serves on', async () => {
    const pid = await pidOf(pool);
    expect(await failureOf(single('select 1/0 as x'))).toMatchObject({ details: { sqlstate: '22012' } });
    expect(await single('select pg_backend_pid() as pid')).toEqual([{ pid }]);
  });

  it('is cancelled at its deadline, and its connection serves on', async () => {
    const pid = await pidOf(pool);
    const failure = await failureOf(rowsOf(pool, 'select pg_sleep(30)', { single: true, timeoutMs: 200 }));
    expect(failure.code).toBe('TIMEOUT');
    expect(await single('select pg_backend_pid() as pid')).toEqual([{ pid }]);
  });

  it('survives that its prepared statement changes its type', async () => {
    await runSql(cluster, clone().name, 'create table public.changing (x int); insert into public.changing values (1)');
    expect(await single('select * from public.changing')).toEqual([{ x: 1 }]);
    await runSql(cluster, clone().name, 'alter table public.changing add y text');
    expect(await single('select * from public.changing')).toEqual([{ x: 1, y: null }]);
  });
});
