import { beforeAll, describe, expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
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
import { fieldsOf, objects } from './advice.ts';

function rowOf({ rows }: Answer, table: string): Row {
  return rows.find((row) => row['table'] === table) ?? {};
}

/** What a standby has, too. */
function replicated(answer: Answer): unknown[][] {
  const rows = answer.rows.filter(({ persistence }) => persistence === 'permanent');
  return fieldsOf({ ...answer, rows }, 'schema', 'table', 'size', 'rows');
}

/** What PostgreSQL itself says of a table that is not partitioned. */
async function measure(url: string, table: string): Promise<Record<string, unknown>> {
  const [sizes] = await runAs(
    url,
    `select pg_total_relation_size(c.oid)::float8 as size, pg_indexes_size(c.oid)::float8 as index_size,
            (pg_relation_size(c.oid, 'fsm') + pg_relation_size(c.oid, 'vm'))::float8 as map_size,
            (pg_relation_size(c.oid, 'main') + pg_relation_size(c.oid, 'init'))::float8 as table_size,
            coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0)::float8 as toast_size
       from pg_class c where c.oid = '${table}'::regclass`,
  );
  return sizes ?? {};
}

const WIDE = [
  'create table public.wide (id integer primary key, document text)',
  'alter table public.wide alter document set storage external',
  `insert into public.wide select g, repeat('x', 8000) from generate_series(1, 200) g`,
  'vacuum analyze public.wide',
];

describeEachMajor('table_sizes', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  beforeAll(() => runAs(clone().superuserUrl, ...WIDE, 'vacuum analyze shop."Order"'));

  it.each(loginsOf(cluster))('takes tables apart as PostgreSQL does, for %s', async (login) => {
    const answer = await howdah(login).call('table_sizes', { limit: 500 });
    for (const table of [
      'public.wide',
      'shop."Order"',
      'indexes.events',
      'shop.revenue',
      'hidden.payroll',
      '"we.ird"."Mixed Case"',
    ]) {
      const name = table.replace(/^("[^"]*"|\w+)\./, '').replaceAll('"', '');
      expect(rowOf(answer, name)).toMatchObject(await measure(clone().superuserUrl, table));
    }
    expect(rowOf(answer, 'Order')).toMatchObject({ indexes: 2, rows: 4000, kind: 'table', persistence: 'permanent' });
    expect(Number(rowOf(answer, 'Order')['map_size'])).toBeGreaterThan(8192);
    expect(rowOf(answer, 'revenue')).toMatchObject({ kind: 'materialized_view', rows: 1000, indexes: 1 });
    expect(rowOf(answer, 'paid_orders')).toEqual({});
    expect(answer.findings).toEqual([]);
    expect(answer).not.toHaveProperty('not_examined');
  });

  it('says what a row takes, what share indexes have, and what share of the database', async () => {
    const answer = await howdah('plain').call('table_sizes', { name: 'wide' });
    const row = rowOf(answer, 'wide');
    const [table, toast, map, index, size] = ['table_size', 'toast_size', 'map_size', 'index_size', 'size'].map((key) =>
      Number(row[key]),
    ) as [number, number, number, number, number];
    expect(toast).toBeGreaterThan(200 * 8000);
    expect(size).toBe(table + toast + map + index);
    expect(row).toMatchObject({ rows: 200, row_size: Math.round((table + toast) / 200), indexes: 1 });
    expect(row['index_percent']).toBeCloseTo((index * 100) / (table + toast + map), 1);
    const [database] = await runAs(clone().superuserUrl, 'select pg_database_size(current_database())::float8 as size');
    expect(row['database_percent']).toBeCloseTo((size * 100) / Number(database?.['size']), 0);
    expect(answer).toMatchObject({ about: { total_size: size, total_estimated: false, other_size: null } });
  });

  it('says how much of the database is not in tables', async () => {
    const answer = await howdah('plain').call('table_sizes', { limit: 1 });
    const { database_size, total_size, other_size } = answer['about'] as Record<string, number>;
    expect(Number(database_size) - Number(total_size)).toBe(other_size);
    expect(Number(other_size)).toBeGreaterThan(5_000_000); // the catalogs
    expect(answer).toMatchObject({ truncated: true });
    expect(answer.total).toBeGreaterThan(20);
  });

  it('measures the catalogs when their schema is named', async () => {
    const answer = await howdah('plain').call('table_sizes', { schema: 'pg_catalog', limit: 500 });
    expect(rowOf(answer, 'pg_attribute')).toMatchObject(await measure(clone().superuserUrl, 'pg_catalog.pg_attribute'));
  });

  it.each(loginsOf(cluster))('sums partitions up in their parent, or lists them instead, for %s', async (login) => {
    const [folded] = (await howdah(login).call('table_sizes', { schema: 'partitions' })).rows;
    const listed = await howdah(login).call('table_sizes', {
      schema: 'partitions',
      partitions: true,
      order_by: 'name',
    });
    expect(fieldsOf(listed, 'table', 'kind', 'rows', 'partitions', 'indexes')).toEqual([
      ['measurements_2024', 'partition', 1, null, 2],
      ['measurements_2025_one', 'partition', 1, null, 2],
      ['measurements_default', 'partition', 1, null, 2],
    ]);
    for (const key of ['size', 'table_size', 'map_size', 'index_size', 'indexes'])
      expect(folded?.[key]).toBe(listed.rows.reduce((sum, row) => sum + Number(row[key]), 0));
    expect(folded).toMatchObject({ table: 'measurements', kind: 'partitioned_table', rows: 3, partitions: 3 });
  });

  it('marks temporary and unlogged tables', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('create temporary table short_lived as select generate_series(1, 1000) as a');
      await session.query('create unlogged table public.crash_me as select generate_series(1, 1000) as a');
      const answer = await howdah('monitor').call('table_sizes', { limit: 500 });
      expect(rowOf(answer, 'short_lived')).toMatchObject({
        persistence: 'temporary',
        schema: expect.stringMatching(/^pg_temp_/),
      });
      expect(Number(rowOf(answer, 'short_lived')['size'])).toBeGreaterThanOrEqual(40_960);
      expect(rowOf(answer, 'crash_me')).toMatchObject({
        persistence: 'unlogged',
        ...(await measure(clone().superuserUrl, 'public.crash_me')),
      });
      await session.query('drop table public.crash_me');
    });
  });

  it('reports indexes that outgrow their table, and long values that are nearly all of one', async () => {
    const answer = await howdah('plain').call('table_sizes', {
      min_size: 1_000_000,
      max_index_percent: 250,
      max_toast_percent: 95,
    });
    expect(objects(answer)).toEqual(['notice "indexes"."overlapping"', 'notice "public"."wide"']);
    for (const { next_step } of answer.findings) {
      const rows = await runAs(clone().superuserUrl, String(next_step).replaceAll(/--.*/g, ''));
      expect(rows.length).toBeGreaterThan(1);
    }
  });

  it.each(['table', 'index', 'toast'] as const)(
    'answers at once while the %s is locked, and estimates',
    async (what) => {
      const lock = {
        table: 'lock table public.wide in access exclusive mode',
        index: 'reindex index public.wide_pkey',
        toast: 'truncate public.wide',
      }[what];
      await withSession(clone().superuserUrl, async (session) => {
        await session.query('begin');
        await session.query(lock);
        const startedAt = performance.now();
        const answer = await howdah('plain').call('table_sizes', { limit: 500 });
        expect(performance.now() - startedAt).toBeLessThan(1000);
        expect(rowOf(answer, 'wide')).toMatchObject({ size_estimated: true, map_size: null, rows: 200 });
        expect(Number(rowOf(answer, 'wide')['toast_size'])).toBeGreaterThan(200 * 8000);
        expect(rowOf(answer, 'events')).toMatchObject({ size_estimated: false });
        expect(answer['about']).toMatchObject({ total_estimated: false, other_size: null });
        expect(answer.not_examined).toMatchObject([{ what: 'the exact size of "public"."wide"' }]);
      });
    },
  );

  it('answers to get_table_size_info', async () => {
    const answer = await howdah('monitor').call('get_table_size_info', {
      schema_name: 'shop',
      database_name: clone().name,
    });
    expect(answer).toMatchObject({ database: clone().name, total: 4 });
  });
});

describeEachStandby('table_sizes of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());
  const primary = useHowdah(clone);

  it.each(LOGINS)('are those of the primary, but for unlogged tables, for %s', async (login) => {
    await runAs(
      clone().superuserUrl,
      'drop table if exists public.crash_me',
      'create unlogged table public.crash_me as select generate_series(1, 1000) as a',
      'checkpoint',
    );
    await caughtUp(cluster);
    const here = await standby(login).call('table_sizes', { order_by: 'name', limit: 500 });
    const there = await primary(login).call('table_sizes', { order_by: 'name', limit: 500 });
    expect(replicated(here)).toEqual(replicated(there));
    expect(here.not_examined).toMatchObject([{ what: 'the size of 1 unlogged table' }]);
    expect(there).not.toHaveProperty('not_examined');
  });
});

describe('table_sizes of many tables', () => {
  const clone = useClone(newestCluster());

  it('measures of more than 2,000 only those that it shows, and says so', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      `do $$ begin for n in 1..2001 loop execute format('create table public.%I ()', 'many_' || n); end loop; end $$`,
      ...WIDE,
    );
    const howdah = await openHowdah(clone().plainUrl);
    const answer = await howdah.call('table_sizes', { schema: 'public', limit: 3 });
    expect(answer).toMatchObject({ total: 2002, truncated: true, about: { total_estimated: true, other_size: null } });
    expect(answer.rows[0]).toMatchObject({
      table: 'wide',
      size_estimated: false,
      ...(await measure(url, 'public.wide')),
    });
    expect(answer.not_examined).toMatchObject([{ what: 'the exact size of what is not shown' }]);
    await withSession(url, async (session) => {
      await session.query('begin');
      await session.query('lock table public.wide in access exclusive mode');
      const locked = await howdah.call('table_sizes', { schema: 'public', limit: 3 });
      expect(fieldsOf(locked, 'table', 'size_estimated', 'map_size')[0]).toEqual(['wide', true, null]);
    });
    await howdah.close();
  });
});
