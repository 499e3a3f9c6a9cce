import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import type { ConnectionTarget } from '../src/postgres/target.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from './pgbouncer.ts';
import { newestCluster } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { failureOf, rowsOf, targetOf } from './session-kit.ts';

const pools: Pool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function open(target: ConnectionTarget, permits = createPermits(1)): Pool {
  const pool = openPool(target, { permits });
  pools.push(pool);
  return pool;
}

describe.skipIf(!hasPgBouncer)('behind PgBouncer in transaction mode', () => {
  const cluster = newestCluster();
  let bouncer: PgBouncer;
  const target = () => targetOf(bouncer.url, { pooling: 'transaction' });
  beforeAll(async () => {
    bouncer = await startPgBouncer(cluster);
  });
  afterAll(() => bouncer.stop());

  it('sessions share the connections of the server without a clash of names', async () => {
    const pool = open(target(), createPermits(4));
    const rows = await Promise.all(
      Array.from({ length: 80 }, (_, i) => rowsOf(pool, `select ${i % 3} as n, pg_sleep(0.002)::text as slept`)),
    );
    expect(rows.map(([row]) => row?.['n'])).toEqual(Array.from({ length: 80 }, (_, i) => i % 3));
    await expect.poll(() => pool.stats()).toMatchObject({ inUse: 0, idle: 4 });
  });

  it('sessions have their settings, and leave none to the others', async () => {
    const pool = open(target());
    const look = `select current_setting('search_path') as path, current_setting('application_name') as name,
                         current_setting('transaction_read_only') as read_only`;
    expect(await rowsOf(pool, look)).toEqual([{ path: 'pg_catalog, pg_temp', name: 'howdah test', read_only: 'on' }]);
    const { port } = new URL(bouncer.url);
    const others = await runSql({ ...cluster, socketDir: '127.0.0.1', port: Number(port) }, 'postgres', look);
    expect(others.rows).toEqual([{ path: '"$user", public', name: '', read_only: 'off' }]);
  });

  it('nothing is prepared by name', async () => {
    const pool = open(target());
    await rowsOf(pool, 'select 1 as n');
    const prepared = await rowsOf(
      pool,
      `select count(*)::int as n from pg_prepared_statements where name like 'howdah%'`,
    );
    expect(prepared).toEqual([{ n: 0 }]);
  });

  it('a call that is stopped ends on the server, and its connection is not used again', async () => {
    const pool = open(target());
    // by its caller: at a deadline the server may be the first to end it, and then the connection is as good as before
    const caller = AbortSignal.timeout(300);
    const failure = await failureOf(rowsOf(pool, 'select pg_sleep(30)', { caller }));
    expect(failure.code).toBe('CANCELLED');
    const running = `select count(*)::int as n from pg_stat_activity where state = 'active' and query = 'select pg_sleep(30)'`;
    await expect
      .poll(async () => (await runSql(cluster, 'postgres', running)).rows, { timeout: 1000 })
      .toEqual([{ n: 0 }]);
    await expect.poll(() => pool.stats()).toMatchObject({ inUse: 0, idle: 0 });
    for (let i = 0; i < 20; i++) expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
  });
});
