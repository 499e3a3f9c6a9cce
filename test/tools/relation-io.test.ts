/** table_io and index_io, against the views of PostgreSQL and against pages that are counted by hand. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';
import { untilCounted, untilReported } from './counted.ts';

const FIXTURE = readFileSync(new URL('fixtures/io.sql', import.meta.url), 'utf8');
const COUNTED = `(select toast_blks_hit + toast_blks_read > 0 from pg_statio_all_tables where schemaname = 'I/O' and relname = 'toasted')`;
const RESET = `(select sum(heap_blks_hit + heap_blks_read) = 0 from pg_statio_all_tables where schemaname = 'I/O')`;
const io = { schema: 'I/O' };

function rowOf({ rows }: Answer, name: string, field = 'table'): Row | undefined {
  return rows.find((row) => row[field] === name);
}

describeEachMajor('I/O by table and index', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  beforeAll(async () => {
    const { superuserUrl } = clone();
    await runAs(superuserUrl, FIXTURE);
    await untilReported(superuserUrl);
    await runAs(
      superuserUrl,
      `select pg_stat_reset_single_table_counters(c.oid) from pg_class c
        where c.relnamespace = '"I/O"'::regnamespace or c.oid in (select reltoastrelid from pg_class where relnamespace = '"I/O"'::regnamespace)`,
    );
    await untilCounted(superuserUrl, RESET); // before PostgreSQL 15, what is read may be half a second old
    await runAs(
      superuserUrl,
      'select count(*) from "I/O"."No Index"',
      'select count(*) from "I/O"."No Index"',
      'select count(*) from "I/O".parts',
      'select length(substr(document, 5000)) from "I/O".toasted where id = 7',
    );
    await untilReported(superuserUrl);
    await untilCounted(superuserUrl, COUNTED);
  });

  it.each(loginsOf(cluster))('counts each page of a table that was read twice, for %s', async (login) => {
    const [known] = await runAs(
      clone().superuserUrl,
      `select pg_relation_size('"I/O"."No Index"')::integer / 8192 as pages`,
    );
    const answer = await howdah(login).call('table_io', io);
    const row = rowOf(answer, 'No Index');
    expect(Number(row?.['heap_blks_read']) + Number(row?.['heap_blks_hit'])).toBe(2 * Number(known?.['pages']));
    expect(row).toMatchObject({
      partitions: null,
      read_size: Number(row?.['heap_blks_read']) * 8192,
      hit_percent: row?.['heap_hit_percent'],
      idx_blks_read: null,
      idx_blks_hit: null,
      idx_hit_percent: null,
      toast_blks_read: 0,
      toast_hit_percent: null,
      tidx_blks_read: 0,
    });
    expect(row?.['heap_hit_percent']).toBeGreaterThanOrEqual(50);
  });

  it('adds up partitions, or lists each', async () => {
    const [known] = await runAs(
      clone().superuserUrl,
      `select sum(pg_relation_size(c.oid))::integer / 8192 as pages from pg_class c
        where c.relname in ('parts_low', 'parts_high_rest')`,
    );
    const row = rowOf(await howdah('plain').call('table_io', io), 'parts');
    expect(row).toMatchObject({ partitions: 2 });
    expect(Number(row?.['heap_blks_read']) + Number(row?.['heap_blks_hit'])).toBe(Number(known?.['pages']));
    const each = await howdah('plain').call('table_io', { ...io, partitions: true, name: 'parts*' });
    expect(each.rows.map(({ table }) => table)).toEqual(expect.arrayContaining(['parts_low', 'parts_high_rest']));
    expect(each.rows).toHaveLength(2);
    const pages = each.rows.map(({ heap_blks_read, heap_blks_hit }) => Number(heap_blks_read) + Number(heap_blks_hit));
    expect((pages[0] ?? 0) + (pages[1] ?? 0)).toBe(Number(known?.['pages']));
  });

  it('gives what the views of PostgreSQL give, most read first, without losing a table that has no index', async () => {
    const views = await runAs(
      clone().superuserUrl,
      `select relname as "table", heap_blks_read::integer, heap_blks_hit::integer, idx_blks_read::integer, idx_blks_hit::integer,
              toast_blks_read::integer, toast_blks_hit::integer, tidx_blks_read::integer, tidx_blks_hit::integer
         from pg_statio_all_tables where schemaname = 'I/O' and relname !~ 'parts'`,
    );
    const answer = await howdah('plain').call('table_io', { limit: 500 });
    for (const view of views) expect(rowOf(answer, String(view['table']))).toMatchObject(view);
    expect(views).toHaveLength(2);
    expect(rowOf(answer, 'toasted')?.['toast_hit_percent']).not.toBeNull();
    const sizes = answer.rows.map(({ read_size }) => Number(read_size));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(answer.total).toBe(answer.rows.length);
    const names = answer.rows.map(({ schema, table }) => `${schema}.${table}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'keys.no_primary_key',
        'pgboss.job',
        'we.ird.Mixed Case',
        'shop.Order',
        'hidden.payroll',
      ]),
    );
    expect(names.filter((name) => name.startsWith('pg_'))).toEqual([]);
    expect((answer['about'] as Row)['counted_since']).toMatch(/Z$/);
    expect((answer['about'] as Row)['all_read_size']).toBe(sizes.reduce((sum, size) => sum + size, 0));
  });

  it('counts blocks and scans of each index', async () => {
    const views = await runAs(
      clone().superuserUrl,
      `select i.indexrelname as index, o.idx_blks_read::integer, o.idx_blks_hit::integer, i.idx_scan::integer
         from pg_stat_all_indexes i join pg_statio_all_indexes o using (indexrelid)
        where i.schemaname = 'indexes'`,
    );
    const answer = await howdah('plain').call('index_io', { limit: 500 });
    for (const view of views) expect(rowOf(answer, String(view['index']), 'index')).toMatchObject(view);
    const used = rowOf(answer, 'events_used', 'index');
    expect(used).toMatchObject({ schema: 'indexes', table: 'events', idx_scan: 60, partitions: null });
    const touched = Number(used?.['idx_blks_read']) + Number(used?.['idx_blks_hit']);
    expect(used?.['blocks_per_scan']).toBeCloseTo(touched / 60, 0);
    expect(Number(used?.['hit_percent'])).toBeCloseTo((100 * Number(used?.['idx_blks_hit'])) / touched, 1);
    expect(rowOf(answer, 'events_unused', 'index')).toMatchObject({ idx_scan: 0, blocks_per_scan: null });
    expect(rowOf(answer, 'parts_id', 'index')).toMatchObject({ table: 'parts', partitions: 2 });
    const each = await howdah('plain').call('index_io', { ...io, partitions: true, name: 'parts' });
    expect(fieldsOf(each, 'partitions')).toEqual([[null], [null]]);
  });

  it('answers beside a locked table', async () => {
    await withSession(clone().superuserUrl, async (holder) => {
      await holder.query('begin');
      await holder.query('lock table "I/O".toasted, "I/O".parts in access exclusive mode');
      const began = performance.now();
      expect(rowOf(await howdah('monitor').call('table_io', io), 'toasted')).toBeDefined();
      expect(rowOf(await howdah('monitor').call('index_io', io), 'parts_id', 'index')).toBeDefined();
      expect(performance.now() - began).toBeLessThan(2000);
    });
  });

  it('answers to its older names', async () => {
    const old = { database_name: clone().name, schema_name: 'shop' };
    const tables = await howdah('monitor').call('get_table_io_stats', old);
    expect(rowOf(tables, 'Order')).toMatchObject({ schema: 'shop', heap_blks_read: expect.any(Number) });
    const indexes = await howdah('monitor').call('get_index_io_stats', old);
    expect(rowOf(indexes, 'order_customer', 'index')).toMatchObject({
      table: 'Order',
      idx_blks_read: expect.any(Number),
    });
    expect(new Set([...tables.rows, ...indexes.rows].map(({ schema }) => schema))).toEqual(new Set(['shop']));
  });
});

describeEachStandby('I/O by table and index of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('is what the standby itself reads', async () => {
    await runAs(clone().standby?.superuserUrl ?? '', 'select count(*) from shop.order_lines');
    await untilCounted(
      clone().standby?.superuserUrl ?? '',
      `(select heap_blks_read + heap_blks_hit > 10 from pg_statio_all_tables where relname = 'order_lines')`,
    );
    const row = rowOf(await standby('plain').call('table_io', { schema: 'shop' }), 'order_lines');
    expect(Number(row?.['heap_blks_read']) + Number(row?.['heap_blks_hit'])).toBeGreaterThan(10);
    expect((await standby('plain').call('index_io', { schema: 'shop' })).rows.length).toBeGreaterThan(3);
  });
});
