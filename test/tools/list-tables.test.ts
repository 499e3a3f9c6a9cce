import { describe, expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Row,
} from '../postgres/platform.ts';

function tablesOf({ rows }: Answer): string[] {
  return rows.map(({ schema, table }) => `${schema}.${table}`);
}

function rowOf({ rows }: Answer, table: string): Row {
  return rows.find((row) => row['table'] === table) ?? {};
}

function sizesOf({ rows: tables }: Answer): unknown[] {
  return tables.map(({ schema, table, size, rows }) => [schema, table, size, rows]);
}

describeEachMajor('list_tables', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('lists what a schema has, with the rows of the last ANALYZE, for %s', async (login) => {
    const answer = await howdah(login).call('list_tables', { schema: 'shop', order_by: 'rows' });
    expect(answer.rows.map(({ table, kind, rows, primary_key }) => [table, kind, rows, primary_key])).toEqual([
      ['order_lines', 'table', 8000, true],
      ['Order', 'table', 4000, true],
      ['customers', 'table', 1000, true],
      ['revenue', 'materialized_view', 1000, null],
      ['paid_orders', 'view', null, null],
    ]);
    expect(answer).toMatchObject({ total: 5, truncated: false });
    expect(rowOf(answer, 'customers')).toMatchObject({
      owner: 'postgres',
      comment: 'People who have an account',
      size_estimated: false,
    });
    expect(rowOf(answer, 'paid_orders')).toMatchObject({ size: null, dead_rows: null, autovacuum: null });
  });

  it.each(loginsOf(cluster))('gives the sizes that PostgreSQL gives, for %s', async (login) => {
    const [expected] = await runAs(
      clone().superuserUrl,
      `select pg_total_relation_size(oid)::float8 as size, pg_indexes_size(oid)::float8 as index_size,
              pg_total_relation_size(reltoastrelid)::float8 as toast_size,
              (pg_table_size(oid) - pg_total_relation_size(reltoastrelid))::float8 as table_size
         from pg_class where oid = 'indexes.events'::regclass`,
    );
    const answer = await howdah(login).call('list_tables', { schema: 'indexes' });
    expect(answer.rows[0]).toMatchObject({ table: 'events', ...expected });
  });

  it.each(loginsOf(cluster))(
    'lists schemas whose names are easily lost, and those that it may not use, for %s',
    async (login) => {
      const answer = await howdah(login).call('list_tables', { kinds: ['table'] });
      expect(tablesOf(answer)).toEqual(
        expect.arrayContaining(['pgboss.job', 'we.ird.Mixed Case', 'hidden.payroll', 'shop.Order']),
      );
      expect(rowOf(answer, 'job')).toMatchObject({ rows: 5000 });
      expect(tablesOf(answer).filter((name) => /^(pg_|information_schema)/.test(name))).toEqual([]);
    },
  );

  it('counts partitions in their parent, and lists them when asked', async () => {
    const folded = await howdah('plain').call('list_tables', { schema: 'partitions' });
    expect(folded.rows).toHaveLength(1);
    expect(folded.rows[0]).toMatchObject({
      table: 'measurements',
      kind: 'partitioned_table',
      rows: 3,
      partitions: 3,
      primary_key: true,
    });
    const listed = await howdah('plain').call('list_tables', {
      schema: 'partitions',
      kinds: ['partition'],
      order_by: 'name',
    });
    expect(listed.rows.map(({ table, rows, partitions }) => [table, rows, partitions])).toEqual([
      ['measurements_2024', 1, null],
      ['measurements_2025', 1, 1],
      ['measurements_2025_one', 1, null],
      ['measurements_default', 1, null],
    ]);
    const sizes = listed.rows.filter(({ table }) => table !== 'measurements_2025').map(({ size }) => Number(size));
    expect(folded.rows[0]?.['size']).toBe(sizes.reduce((sum, size) => sum + size));
  });

  it.each([
    ['mixed', ['we.ird.Mixed Case']],
    ['MIXED?CASE', ['we.ird.Mixed Case']],
    ['order*', ['shop.Order', 'shop.order_lines']],
    ['_PRIMARY_', ['keys.no_primary_key']],
    ['primary_key_', []],
    ['%xed case', ['we.ird.Mixed Case']],
    ['!', []],
    ['job', ['pgboss.job']],
    ['jo', ['pgboss.job']],
    ['jo?', ['pgboss.job']],
    ['jo??', []],
  ])('finds tables by %s', async (name, expected) => {
    const answer = await howdah('plain').call('list_tables', { name, kinds: ['table'], order_by: 'name' });
    expect(tablesOf(answer)).toEqual(expected);
  });

  it('says how many there are beyond the limit, and how large all are', async () => {
    const all = await howdah('plain').call('list_tables', { limit: 100 });
    const two = await howdah('plain').call('list_tables', { limit: 2 });
    expect(two).toMatchObject({ truncated: true, total: all.rows.length, about: all['about'] });
    expect(two.rows).toEqual(all.rows.slice(0, 2));
    expect(all['about']).toEqual({
      total_size: all.rows.reduce((sum, { size }) => sum + Number(size ?? 0), 0),
      total_estimated: false,
    });
  });

  it.each(loginsOf(cluster))('shows dead rows, and that autovacuum is off for them, to %s', async (login) => {
    const answer = await howdah(login).call('list_tables', { schema: 'bloat' });
    expect(answer.rows[0]).toMatchObject({
      table: 'mostly_dead',
      rows: 2000,
      dead_rows: 18_000,
      autovacuum: false,
      last_vacuum: null,
    });
    expect(answer.rows[0]?.['last_analyze']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(answer.findings).toEqual([]); // autovacuum_status judges them
  });

  it('does not know the rows of a table that was never analysed, and knows that an empty file has none', async () => {
    await runAs(
      clone().superuserUrl,
      'create table public.loaded (a integer)',
      'create table public.empty (a text)',
      'insert into public.loaded select 1 from generate_series(1, 1000)',
    );
    const answer = await howdah('plain').call('list_tables', { schema: 'public', kinds: ['table'] });
    expect(answer.rows.map(({ table, rows }) => [table, rows])).toEqual([
      ['loaded', null],
      ['empty', 0],
    ]);
  });

  it('leaves out temporary tables of other sessions', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('create temporary table somebody_elses (a integer)');
      expect(tablesOf(await howdah('superuser').call('list_tables', { name: 'somebody_elses' }))).toEqual([]);
    });
  });

  it.each(['table', 'index'] as const)(
    'answers at once while the %s is locked, and says that its size is an estimate',
    async (what) => {
      await withSession(clone().superuserUrl, async (session) => {
        await session.query('begin');
        await session.query(
          what === 'table'
            ? 'lock table indexes.overlapping in access exclusive mode'
            : 'reindex index indexes.overlapping_a',
        );
        const startedAt = performance.now();
        const answer = await howdah('plain').call('list_tables', { schema: 'indexes' });
        expect(performance.now() - startedAt).toBeLessThan(1000);
        const locked = rowOf(answer, 'overlapping');
        expect(locked).toMatchObject({ size_estimated: true, rows: 5000 });
        expect(Number(locked['table_size'])).toBeGreaterThan(200_000);
        expect(Number(locked['index_size'])).toBeGreaterThan(500_000);
        expect(rowOf(answer, 'events')).toMatchObject({ size_estimated: false });
        expect(answer.not_examined).toEqual([
          expect.objectContaining({ what: 'the exact size of "indexes"."overlapping"' }),
        ]);
      });
    },
  );

  it('answers to get_table_list', async () => {
    const answer = await howdah('monitor').call('get_table_list', { database_name: 'postgres' });
    expect(answer).toMatchObject({ database: 'postgres' });
  });
});

describeEachStandby('list_tables of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());
  const primary = useHowdah(clone);

  it.each(LOGINS)('has sizes and rows, and says that it does not count dead rows, for %s', async (login) => {
    const here = await standby(login).call('list_tables');
    const there = await primary(login).call('list_tables');
    expect(sizesOf(here)).toEqual(sizesOf(there));
    expect(rowOf(here, 'mostly_dead')).toMatchObject({ dead_rows: null, last_analyze: null });
    expect(here.not_examined).toEqual([expect.objectContaining({ what: 'dead rows, last vacuum, last analyze' })]);
  });
});

describe('list_tables of many tables', () => {
  const clone = useClone(newestCluster());

  it('stays small and quick with 2,000', async () => {
    await runAs(
      clone().superuserUrl,
      `do $$ begin for n in 1..2000 loop execute format('create table public.%I (id integer primary key)', 'many_' || n); end loop; end $$`,
    );
    const howdah = await openHowdah(clone().plainUrl);
    const startedAt = performance.now();
    const answer = await howdah.call('list_tables', { name: 'many_' });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(answer).toMatchObject({ total: 2000, truncated: true });
    expect(answer.rows).toHaveLength(20);
    expect(JSON.stringify(answer).length).toBeLessThan(20_000);
    expect(answer).toMatchObject({ about: { total_size: 2000 * 8192, total_estimated: false } });
    expect(answer).not.toHaveProperty('not_examined');
    await howdah.close();
  });

  it('measures of more only those that it shows, and says so', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      `create table public.many_more (id integer primary key, note text)`,
      `insert into public.many_more select g, repeat('x', 100) from generate_series(1, 20000) g`,
      'analyze public.many_more',
      `insert into public.many_more select g, repeat('x', 100) from generate_series(20001, 40000) g`,
      `create table public.many_unseen (id integer primary key) partition by range (id)`,
      `create table public.part_unseen partition of public.many_unseen default`,
      `insert into public.many_unseen select generate_series(1, 10000)`,
    );
    const [expected] = await runAs(
      url,
      `select pg_total_relation_size(oid)::float8 as size, pg_indexes_size(oid)::float8 as index_size,
              pg_total_relation_size(reltoastrelid)::float8 as toast_size, 20000 as rows
         from pg_class where relname = 'many_more'`,
    );
    const [unseen] = await runAs(url, `select pg_total_relation_size('part_unseen')::float8 as size`);
    const howdah = await openHowdah(clone().plainUrl);
    const bySize = await howdah.call('list_tables', { name: 'many_', limit: 3 });
    expect(bySize).toMatchObject({ total: 2002, truncated: true, about: { total_estimated: true } });
    expect(bySize.rows[0]).toMatchObject({ table: 'many_more', size_estimated: false, ...expected });
    expect(bySize.rows.slice(1)).toMatchObject([{ size: 8192, rows: 0 }, { size: 8192 }]);
    expect(bySize.not_examined).toMatchObject([{ what: 'the exact size of what is not shown' }]);
    const byName = await howdah.call('list_tables', { name: 'many_', limit: 500, order_by: 'name' });
    expect(byName.rows.some(({ size_estimated }) => size_estimated)).toBe(false);
    const last = await howdah.call('list_tables', { name: 'many_unseen' });
    expect(last.rows).toMatchObject([unseen]);
    await withSession(url, async (session) => {
      await session.query('begin');
      await session.query('lock table public.many_more in access exclusive mode');
      const startedAt = performance.now();
      const { rows, not_examined } = await howdah.call('list_tables', { name: 'many_', limit: 3 });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(rows.map(({ size_estimated }) => size_estimated)).toEqual([true, false, false]);
      expect(not_examined).toMatchObject([{ what: 'the exact size of "public"."many_more"' }, {}]);
    });
    await howdah.close();
  });
});
