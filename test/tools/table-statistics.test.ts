import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { compile, sql } from '../../src/postgres/sql.ts';
import { perSecond } from '../../src/tools/kit/index.ts';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Howdah,
  type Row,
} from '../postgres/platform.ts';
import { fieldsOf, follow, objects } from './advice.ts';
import { untilCounted } from './counted.ts';

const FIXTURE = readFileSync(new URL('fixtures/tables.sql', import.meta.url), 'utf8');
/** Each in a transaction of its own, so that the next finds the room that it has left. */
const UPDATES = ['hot', 'indexed', 'cramped'].flatMap((table) =>
  [1, 2, 3].map(() => `update act.${table} set n = n + 1`),
);
const READS = `do $$ declare nothing record; begin
  for i in 1..120 loop
    select count(*) into nothing from act."Read Often";
    select * into nothing from act.peeked limit 1;
  end loop;
end $$`;

function rowOf({ rows }: Answer, table: string): Row {
  return rows.find((row) => row['table'] === table) ?? {};
}

/** What the view of PostgreSQL itself has of a table. */
async function viewed(url: string, table: string): Promise<Record<string, unknown>> {
  const [row] = await runAs(
    url,
    `select to_jsonb(s) - 'relid' - 'schemaname' - 'relname' as view from pg_stat_all_tables s where relid = '${table}'::regclass`,
  );
  return row?.['view'] as Record<string, unknown>;
}

const COUNTERS = [
  'seq_scan',
  'seq_tup_read',
  'idx_scan',
  'idx_tup_fetch',
  'n_tup_ins',
  'n_tup_upd',
  'n_tup_del',
  'n_tup_hot_upd',
  'n_tup_newpage_upd',
  'n_live_tup',
  'n_dead_tup',
  'n_ins_since_vacuum',
  'n_mod_since_analyze',
];

function statistics(howdah: Howdah, input: Record<string, unknown> = {}): Promise<Answer> {
  return howdah.call('table_statistics', { schema: 'act', limit: 500, ...input });
}

describeEachMajor('statistics of tables', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  beforeAll(async () => {
    const url = clone().superuserUrl;
    await runAs(url, FIXTURE);
    await runAs(url, 'analyze act."Read Often"', 'analyze act.peeked', 'analyze act.hot');
    await runAs(
      url,
      ...UPDATES,
      'delete from act.all_dead',
      READS,
      'set enable_seqscan = off',
      'select note from act."Read Often" where id = 7',
    );
    await untilCounted(
      url,
      `(select seq_scan >= 120 and idx_scan = 1 from pg_stat_user_tables where relname = 'Read Often')
       and (select n_dead_tup = 1000 from pg_stat_user_tables where relname = 'all_dead')
       and (select n_tup_upd = 900 from pg_stat_user_tables where relname = 'cramped')`,
    );
  });

  it.each(loginsOf(cluster))('has what the view has, for %s', async (login) => {
    const answer = await statistics(howdah(login));
    for (const table of ['Read Often', 'peeked', 'all_dead', 'hot', 'indexed', 'cramped']) {
      const view = await viewed(clone().superuserUrl, `act."${table}"`);
      expect(Object.fromEntries(COUNTERS.map((name) => [name, rowOf(answer, table)[name]]))).toEqual(
        Object.fromEntries(COUNTERS.map((name) => [name, view[name] ?? null])),
      );
      expect(rowOf(answer, table)['last_seq_scan'] === null).toBe((view['last_seq_scan'] ?? null) === null);
    }
    expect(rowOf(answer, 'Read Often')).toMatchObject({ idx_scan: 1, idx_tup_fetch: 1 });
    expect(rowOf(answer, 'peeked')).toMatchObject({ idx_scan: null, last_idx_scan: null });
    expect(rowOf(answer, 'Read Often')['last_idx_scan'] === null).toBe(cluster.major < 16);
  });

  it('takes a table of dead rows alone for dead, one without rows for neither', async () => {
    expect(rowOf(await statistics(howdah('plain')), 'all_dead')).toMatchObject({ n_live_tup: 0, dead_percent: 100 });
    const all = await howdah('plain').call('table_statistics', { order_by: 'dead_rows', limit: 500 });
    expect(rowOf(all, 'mostly_dead')).toMatchObject({ n_live_tup: 2000, n_dead_tup: 18_000, dead_percent: 90 });
    expect(all.rows[0]).toMatchObject({ table: 'mostly_dead' });
    expect(rowOf(all, 'fresh')).toMatchObject({ n_live_tup: 0, n_dead_tup: 0, dead_percent: null });
    expect(all.rows.map(({ schema, table }) => `${schema}.${table}`)).toEqual(
      expect.arrayContaining(['pgboss.job', 'we.ird.Mixed Case', 'hidden.payroll', 'shop.revenue']),
    );
  });

  it('sums partitions up in their parent, or lists them instead', async () => {
    const folded = rowOf(await statistics(howdah('plain'), { name: 'parts*' }), 'parts');
    const listed = await statistics(howdah('plain'), { name: 'parts*', partitions: true, order_by: 'name' });
    expect(fieldsOf(listed, 'table', 'n_tup_ins', 'partitions')).toEqual([
      ['parts_1', 1000, null],
      ['parts_2_rest', 2000, null],
    ]);
    expect(folded).toMatchObject({ n_tup_ins: 3000, n_live_tup: 3000, partitions: 2 });
  });

  it('says how much that is per second, since when', async () => {
    const answer = await statistics(howdah('plain'), { name: 'cramped' });
    const { counted_since, counted_s, track_counts } = answer['about'] as Row;
    expect(counted_since).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(track_counts).toBe(true);
    const perSecond = Number(rowOf(answer, 'cramped')['writes_per_s']);
    const rounded = 0.0005;
    expect(perSecond).toBeGreaterThan(1190 / (Number(counted_s) + 1) - rounded); // seconds are rounded, and so are rates
    expect(perSecond).toBeLessThan(1210 / (Number(counted_s) - 1) + rounded);
  });

  it('answers at once while a table is locked, and to get_all_tables_stats', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table act."Read Often", act.parts in access exclusive mode');
      const startedAt = performance.now();
      await statistics(howdah('plain'));
      await howdah('plain').call('sequential_scans');
      await howdah('plain').call('hot_updates');
      expect(performance.now() - startedAt).toBeLessThan(2000);
    });
    const input = { database_name: clone().name, include_system: true };
    const answer = await howdah('monitor').call('get_all_tables_stats', input);
    expect(answer.rows.map(({ schema }) => schema)).toContain('pg_catalog');
    const own = await howdah('monitor').call('get_all_tables_stats', { ...input, include_system: false });
    expect(own.rows.map(({ schema }) => schema)).not.toContain('pg_catalog');
  });

  it.each(loginsOf(cluster))(
    'tells what keeps updates from being HOT, as far as the version counts it, for %s',
    async (login) => {
      const answer = await howdah(login).call('hot_updates', { schema: 'act', min_updates: 900 });
      expect(rowOf(answer, 'hot')).toMatchObject({ n_tup_upd: 900, fillfactor: 10, indexes: 1, unscanned_indexes: [] });
      expect(Number(rowOf(answer, 'hot')['hot_percent'])).toBeGreaterThan(90);
      expect(rowOf(answer, 'indexed')).toMatchObject({
        hot_percent: 0,
        indexes: 3,
        unscanned_indexes: ['indexed_n', 'indexed_never'],
      });
      expect(Number(rowOf(answer, 'cramped')['hot_percent'])).toBeLessThan(20);
      expect(objects(answer).toSorted()).toEqual(['notice "act"."cramped"', 'notice "act"."indexed"']);
      expect((await howdah(login).call('hot_updates', { schema: 'act' })).findings).toEqual([]);
    },
  );

  it('tells from PostgreSQL 16 on whether room or an index is in the way', async () => {
    const answer = await howdah('plain').call('hot_updates', { schema: 'act' });
    const shares = ['indexed', 'cramped'].map((table) => {
      const { newpage_percent, indexed_percent } = rowOf(answer, table);
      return newpage_percent === null ? null : Number(newpage_percent) > Number(indexed_percent);
    });
    expect(shares).toEqual(cluster.major >= 16 ? [false, true] : [null, null]);
  });

  it('advises on updates what can be followed', async () => {
    const { findings } = await howdah('plain').call('hot_updates', { schema: 'act', min_updates: 900 });
    const about = (object: string) => findings.find((finding) => finding.object === object);
    const cramped = about('"act"."cramped"');
    expect(cramped?.next_step).toContain('ALTER TABLE "act"."cramped" SET (fillfactor = 90);');
    for (const finding of findings) await follow(clone().superuserUrl, finding);
    const indexes = String(about('"act"."indexed"')?.next_step).match(/^SELECT .*$/m)?.[0];
    expect(await runAs(clone().superuserUrl, String(indexes))).toHaveLength(3);
  });

  it.each(loginsOf(cluster))('reports what is large and often read to its end, and no more, to %s', async (login) => {
    const input = { schema: 'act', min_size: 100_000, min_rows: 1000, min_scans_per_day: 1 };
    const answer = await howdah(login).call('sequential_scans', input);
    const [size] = await runAs(clone().superuserUrl, `select pg_relation_size('act."Read Often"')::float8 as size`);
    expect(rowOf(answer, 'Read Often')).toMatchObject({ ...size, rows: 20_000, size_estimated: false, idx_scan: 1 });
    const often = rowOf(answer, 'Read Often');
    expect(Number(often['rows_per_scan'])).toBeGreaterThan(19_000);
    const { counted_s } = answer['about'] as { counted_s: number };
    const perDay = (Number(often['seq_scan']) * 86_400) / counted_s;
    expect(Math.abs(Number(often['scans_per_day']) - perDay)).toBeLessThan(0.06);
    expect(often['seq_tup_read']).toBe((await viewed(clone().superuserUrl, 'act."Read Often"'))['seq_tup_read']);
    expect(Number(rowOf(answer, 'peeked')['rows_per_scan'])).toBeLessThan(500);
    expect(objects(answer)).toEqual(['notice "act"."Read Often"']);
    const [step] = String(answer.findings[0]?.next_step).match(/^SELECT .*$/m) ?? [];
    expect(await runAs(clone().superuserUrl, String(step))).not.toEqual([]);
    expect((await howdah(login).call('sequential_scans')).findings).toEqual([]);
  });

  it('has rates of less than one per second', async () => {
    const { text } = compile(sql`select ${perSecond(sql`7::bigint`, sql`10::bigint`)}::float8 as rate`);
    expect(await runAs(clone().superuserUrl, text)).toEqual([{ rate: 0.7 }]);
  });

  it('says so where nothing is counted', async () => {
    await runAs(clone().superuserUrl, `alter database ${clone().name} set track_counts = off`);
    const uncounted = await openHowdah(clone().plainUrl);
    for (const tool of ['table_statistics', 'sequential_scans', 'hot_updates', 'index_usage', 'unused_indexes']) {
      const { not_examined } = await uncounted.call(tool, {
        schema: 'act',
        ...(tool === 'unused_indexes' && { min_size: 0 }),
      });
      expect(not_examined?.map(({ what }) => what)).toContain('what happens now');
    }
    await uncounted.close();
  });
});

describeEachStandby('statistics of tables on a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('are its own scans, and nothing that is written, for %s', async (login) => {
    await caughtUp(cluster);
    await runAs(String(clone().standby?.superuserUrl), 'select count(*) from pgboss.job');
    await untilCounted(
      String(clone().standby?.superuserUrl),
      `(select seq_scan > 0 from pg_stat_user_tables where relname = 'job')`,
    );
    const answer = await standby(login).call('table_statistics', { schema: 'pgboss' });
    expect(Number(rowOf(answer, 'job')['seq_tup_read'])).toBeGreaterThanOrEqual(5000);
    expect(rowOf(answer, 'job')).toMatchObject({
      n_tup_ins: null,
      n_live_tup: null,
      dead_percent: null,
      writes_per_s: null,
    });
    expect(answer.not_examined?.at(-1)).toMatchObject({ remedy: 'Ask the primary.' });
    const scans = await standby(login).call('sequential_scans', { schema: 'pgboss' });
    expect(rowOf(scans, 'job')).toMatchObject({ rows: 5000 });
    expect(scans.not_examined?.at(-1)).toMatchObject({ what: 'scans on the primary and on other standbys' });
    const updates = await standby(login).call('hot_updates');
    expect(updates).toMatchObject({ rows: [], findings: [], not_examined: [{ what: 'updates' }] });
  });
});
