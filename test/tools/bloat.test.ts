import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import { loginsOf, openHowdah, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { fieldsOf, objects } from './advice.ts';
import { untilCounted } from './counted.ts';

const FIXTURE = readFileSync(new URL('fixtures/bloat.sql', import.meta.url), 'utf8');

function rowOf({ rows }: Answer, name: string, field = 'table'): Row {
  return rows.find((row) => row[field] === name) ?? {};
}

function reasonsOf({ not_examined = [] }: Answer): Record<string, string> {
  return Object.fromEntries(not_examined.map(({ what, reason }) => [what, reason]));
}

/**
 * VACUUM runs in no transaction, and comes when what was deleted has been counted, which it would be all the same later.
 * Statistics of a column that is added afterwards are made by nobody.
 */
async function load(url: string): Promise<void> {
  await runAs(url, FIXTURE);
  await untilCounted(
    url,
    `(select sum(n_dead_tup) from pg_stat_user_tables where schemaname = 'bloated') = ${18_000 + 270 + 9000}`,
  );
  const seen = ['vacuumed', '"Dense One"', 'roomy', 'toasted', 'parts_old', 'parts_new', 'half_seen'];
  await untilCounted(
    url,
    `(select sum(n_dead_tup) from pg_stat_user_tables where schemaname = 'bloated') = 0`,
    // again while a snapshot of another session, autovacuum's for one, still needs the rows
    () => runAs(url, ...seen.map((table) => `vacuum (analyze) bloated.${table}`)),
  );
  await runAs(url, 'alter table bloated.half_seen add column later integer default 1');
}

/** What pgstattuple itself finds free or dead, in percent. */
async function freePercent(url: string, table: string): Promise<number> {
  const [row] = await runAs(
    url,
    `select free_percent + dead_tuple_percent as free from "Ex t".pgstattuple('${table}'::regclass)`,
  );
  return Number(row?.['free']);
}

describeEachMajor('table_bloat', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  beforeAll(() => load(clone().superuserUrl));

  it('estimates what pgstattuple finds, and leaves the room that a fillfactor asks for', async () => {
    const answer = await howdah('superuser').call('table_bloat', { schema: 'bloated' });
    for (const table of ['vacuumed', 'parts_old']) {
      const free = await freePercent(clone().superuserUrl, `bloated.${table}`);
      expect(free).toBeGreaterThan(85);
      expect(Math.abs(Number(rowOf(answer, table)['wasted_percent']) - free)).toBeLessThan(3);
      expect(rowOf(answer, table)).toMatchObject({ method: 'estimated', unknown: null, dead_rows: 0 });
    }
    for (const table of ['Dense One', 'parts_new', 'roomy'])
      expect(Number(rowOf(answer, table)['wasted_percent'])).toBeLessThan(8);
    expect(rowOf(answer, 'roomy')).toMatchObject({ fillfactor: 50, rows: 10_000 });
    expect(rowOf(answer, 'parts_old')).toMatchObject({ kind: 'partition' });
    expect(rowOf(answer, 'parts')).toEqual({});
  });

  it('estimates TOAST, too', async () => {
    const answer = await howdah('superuser').call('table_bloat', { schema: 'bloated', name: 'toasted' });
    const { toast_size, toast_wasted } = rowOf(answer, 'toasted');
    const [toast] = await runAs(
      clone().superuserUrl,
      `select pg_relation_size(reltoastrelid)::float8 as size from pg_class where oid = 'bloated.toasted'::regclass`,
    );
    expect(toast_size).toBe(toast?.['size']);
    expect(Number(toast_wasted) / Number(toast_size)).toBeGreaterThan(0.8);
    expect(Number(toast_wasted) / Number(toast_size)).toBeLessThan(0.95);
  });

  it('says what it cannot estimate, and never takes it for nothing', async () => {
    const answer = await howdah('superuser').call('table_bloat', { schema: 'bloated' });
    expect(rowOf(answer, 'unseen')).toMatchObject({ wasted: null, method: null, unknown: 'never_analyzed' });
    expect(Number(rowOf(answer, 'unseen')['size'])).toBeGreaterThan(1_000_000);
    expect(rowOf(answer, 'half_seen')).toMatchObject({ wasted: null, method: null, unknown: 'no_statistics' });
    expect(answer.not_examined).toEqual([
      expect.objectContaining({ what: 'the bloat of "bloated"."unseen"', remedy: 'ANALYZE "bloated"."unseen";' }),
      expect.objectContaining({ what: 'the bloat of "bloated"."half_seen"', remedy: 'ANALYZE "bloated"."half_seen";' }),
    ]);
  });

  it.each(['monitor', 'plain'] as const)(
    'does not tell %s that nothing is wasted where it sees no columns',
    async (login) => {
      const answer = await howdah(login).call('table_bloat', { schema: 'bloated' });
      expect(rowOf(answer, 'vacuumed')).toMatchObject({ wasted: null, unknown: 'not_visible' });
      expect(Object.entries(reasonsOf(answer))).toEqual([
        ['the bloat of "bloated"."unseen"', expect.any(String)],
        [expect.stringMatching(/ and 2 more tables$/), 'pg_stats shows only columns that the login may read.'],
      ]);
      const orders = await howdah(login).call('table_bloat', { schema: 'shop', name: 'Order', min_size: 0 });
      expect(rowOf(orders, 'Order')).toMatchObject({ unknown: login === 'plain' ? null : 'not_visible' });
    },
  );

  it.each(['superuser', 'monitor'] as const)('measures with exact, for %s', async (login) => {
    const url = clone().superuserUrl;
    const answer = await howdah(login).call('table_bloat', { schema: 'bloated', exact: true });
    expect(new Set(answer.rows.map(({ method }) => method))).toEqual(new Set(['exact']));
    expect(answer).not.toHaveProperty('not_examined');
    for (const table of ['vacuumed', 'unseen', 'half_seen', 'parts_old', 'toasted']) {
      const [sizes] = await runAs(url, `select pg_relation_size('bloated.${table}')::float8 as size`);
      expect(rowOf(answer, table)).toMatchObject({ ...sizes, unknown: null });
    }
    const free = await freePercent(url, 'bloated.vacuumed');
    expect(Math.abs(Number(rowOf(answer, 'vacuumed')['wasted_percent']) - free)).toBeLessThan(3);
    for (const table of ['unseen', 'half_seen', 'roomy', 'Dense One'])
      expect(Number(rowOf(answer, table)['wasted_percent'])).toBeLessThan(4);
    const toasted = rowOf(answer, 'toasted');
    expect(Number(toasted['toast_wasted']) / Number(toasted['toast_size'])).toBeCloseTo(0.9, 1);
  });

  it('measures large tables by what VACUUM did not find clean', async () => {
    const answer = await howdah('monitor').call('table_bloat', {
      schema: 'bloated',
      name: 'vacuumed',
      exact: true,
      approximate_from: 0,
    });
    const [found] = await runAs(
      clone().superuserUrl,
      `select approx_free_percent as free from "Ex t".pgstattuple_approx('bloated.vacuumed'::regclass)`,
    );
    expect(rowOf(answer, 'vacuumed')).toMatchObject({ method: 'approximate' });
    expect(Number(rowOf(answer, 'vacuumed')['wasted_percent'])).toBeCloseTo(Number(found?.['free']), 0);
  });

  it('tells who may not measure what right that takes', async () => {
    const answer = await howdah('plain').call('table_bloat', { schema: 'bloated', exact: true });
    expect(answer.not_examined?.[0]).toMatchObject({
      what: 'exact bloat',
      remedy: 'GRANT USAGE ON SCHEMA "Ex t" TO "plain";\nGRANT pg_stat_scan_tables TO "plain";',
    });
  });

  it('answers at once while a table is locked, and measures the others', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table bloated.vacuumed in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('superuser').call('table_bloat', { schema: 'bloated', name: 'v*' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(rowOf(answer, 'vacuumed')).toMatchObject({ size_estimated: true, method: 'estimated' });
      expect(Number(rowOf(answer, 'vacuumed')['wasted_percent'])).toBeGreaterThan(85);
      const exact = await howdah('monitor').call('table_bloat', { schema: 'bloated', exact: true });
      expect(rowOf(exact, 'vacuumed')).toMatchObject({ method: null, unknown: 'not_visible', size_estimated: true });
      expect(rowOf(exact, 'roomy')).toMatchObject({ method: 'exact' });
      expect(reasonsOf(exact)['the exact bloat of "bloated"."vacuumed"']).toMatch(/exclusive lock/);
    });
  });

  it('reports what wastes much, and how to give it back', async () => {
    const input = { schema: 'bloated', min_wasted: 1_000_000, limit: 500 };
    const answer = await howdah('superuser').call('table_bloat', input);
    expect(objects(answer).toSorted()).toEqual([
      'notice "bloated"."parts_old"',
      'notice "bloated"."toasted"',
      'notice "bloated"."vacuumed"',
    ]);
    const finding = answer.findings.find(({ object }) => object === '"bloated"."vacuumed"');
    expect(finding?.claim).toMatch(/^About 90 % of "bloated"."vacuumed" \(5 MB\)/);
    const [step] = String(finding?.next_step).match(/^SELECT .*$/m) ?? [];
    expect(await runAs(clone().superuserUrl, String(step))).toMatchObject([{ dead_tuple_count: '0' }]);
    const untouched = await howdah('superuser').call('table_bloat', { schema: 'bloated' });
    expect(untouched.findings).toEqual([]);
  });

  it('counts dead rows by one definition, and finds schemas whose names are easily lost', async () => {
    const answer = await howdah('plain').call('get_table_bloat_analysis', {
      database_name: clone().name,
      schema_name: 'bloat',
      table_pattern: 'mostly',
      min_dead_tuples: 1,
      limit: 5,
    });
    expect(fieldsOf(answer, 'table', 'dead_rows', 'dead_percent', 'rows')).toEqual([['mostly_dead', 18_000, 90, 2000]]);
    const all = await howdah('plain').call('table_bloat', { min_size: 0, limit: 500 });
    expect(all.rows.map(({ schema, table }) => `${schema}.${table}`)).toEqual(
      expect.arrayContaining(['pgboss.job', 'we.ird.Mixed Case', 'hidden.payroll', 'shop.revenue']),
    );
  });

  it.each(loginsOf(cluster))('sums up schemas, for %s', async (login) => {
    const answer = await howdah(login).call('get_database_bloat_overview', { database_name: clone().name, limit: 50 });
    const bloated = rowOf(answer, 'bloated', 'schema');
    expect(bloated).toMatchObject({ tables: 8, dead_rows: 0, size_estimated: false });
    expect(rowOf(answer, 'bloat', 'schema')).toMatchObject({ tables: 1, dead_rows: 18_000, dead_percent: 90 });
    expect(rowOf(answer, 'pgboss', 'schema')).toMatchObject({ tables: 1, wasted: null });
    expect(bloated['wasted'] === null).toBe(login !== 'superuser');
    expect(bloated).toMatchObject(login === 'superuser' ? { estimated: 6, unknown: 2 } : { estimated: 0, unknown: 8 });
  });

  it('sums up what is estimated of each table', async () => {
    const answer = await howdah('superuser').call('schema_bloat');
    const tables = await howdah('superuser').call('table_bloat', { schema: 'bloated' });
    const sum = tables.rows.reduce((all, row) => all + Number(row['wasted']) + Number(row['toast_wasted']), 0);
    expect(answer.rows[0]).toMatchObject({ schema: 'bloated', wasted: sum });
  });

  it('estimates B-trees near what pgstatindex finds', async () => {
    const answer = await howdah('superuser').call('index_bloat', { schema: 'bloated', min_size: 0, limit: 50 });
    expect(Number(rowOf(answer, 'vacuumed_pkey', 'index')['wasted_percent'])).toBeCloseTo(89, -1);
    for (const index of ['dense_id', 'dense_flag', 'dense_lower', 'roomy_pkey'])
      expect(Number(rowOf(answer, index, 'index')['wasted_percent'])).toBeLessThan(10);
    expect(rowOf(answer, 'dense_flag', 'index')).toMatchObject({ deduplicates: cluster.major >= 13, fillfactor: 90 });
    expect(rowOf(answer, 'vacuumed_pkey', 'index')).toMatchObject({ backs_constraint: 'vacuumed_pkey', unique: true });
    expect(rowOf(answer, 'unseen_pkey', 'index')).toMatchObject({ wasted: null, unknown: 'never_analyzed' });
    expect(reasonsOf(answer)).toMatchObject({
      [`the bloat of indexes that are no B-trees: 1 brin (1 MB)`]: expect.any(String),
    });
    const hidden = await howdah('plain').call('index_bloat', { schema: 'bloated', min_size: 0, limit: 50 });
    expect(rowOf(hidden, 'vacuumed_pkey', 'index')).toMatchObject({ wasted: null, unknown: 'not_visible' });
  });

  it('measures B-trees with exact, and rebuilds them beside their use', async () => {
    const input = { schema: 'bloated', name: 'vacuumed', min_size: 0, exact: true, min_wasted: 100_000 };
    const answer = await howdah('monitor').call('index_bloat', input);
    const [found] = await runAs(
      clone().superuserUrl,
      `select avg_leaf_density as leaf_density, leaf_fragmentation from "Ex t".pgstatindex('bloated.vacuumed_pkey'::regclass)`,
    );
    expect(rowOf(answer, 'vacuumed_pkey', 'index')).toMatchObject({ method: 'exact', ...found });
    expect(Number(rowOf(answer, 'vacuumed_pkey', 'index')['wasted_percent'])).toBeCloseTo(89, -1);
    expect(answer.findings).toMatchObject([
      {
        severity: 'notice',
        object: '"bloated"."vacuumed_pkey"',
        next_step: expect.stringMatching(/^REINDEX INDEX CONCURRENTLY "bloated"."vacuumed_pkey"; -- takes some 1 MB/),
      },
    ]);
    await runAs(clone().superuserUrl, String(answer.findings[0]?.next_step));
    const mended = await howdah('monitor').call('index_bloat', input);
    expect(mended.findings).toEqual([]);
    expect(Number(rowOf(mended, 'vacuumed_pkey', 'index')['wasted_percent'])).toBeLessThan(5);
  });
});

describeEachStandby('bloat on a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());
  beforeAll(async () => {
    await load(clone().superuserUrl);
    await runAs(
      clone().superuserUrl,
      'create unlogged table bloated.fleeting as select generate_series(1, 1000) as a',
      'vacuum analyze bloated.fleeting',
    );
    await caughtUp(cluster);
  });

  it('is estimated and measured there as on the primary, but for dead rows and unlogged tables', async () => {
    for (const exact of [false, true]) {
      const answer = await standby('superuser').call('table_bloat', { schema: 'bloated', min_size: 0, exact });
      const row = rowOf(answer, 'vacuumed');
      expect(row).toMatchObject({ method: exact ? 'exact' : 'estimated', dead_rows: null, dead_percent: null });
      expect(Number(row['wasted_percent'])).toBeCloseTo(90, 0);
      expect(rowOf(answer, 'fleeting')).toEqual({});
    }
    const indexes = await standby('monitor').call('index_bloat', { schema: 'bloated', exact: true, min_size: 0 });
    expect(rowOf(indexes, 'dense_id', 'index')).toMatchObject({ method: 'exact' });
  });
});

describe('bloat in a database', () => {
  const clone = useClone(newestCluster(), 'fixture_ext');

  it('is measured for as long as the call may take, and where the extension is', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      // one row on each page
      'create table public.huge (a text) with (fillfactor = 10, autovacuum_enabled = off)',
      `insert into public.huge select repeat('x', 800) from generate_series(1, 20000)`,
      'create table public.small (a text) with (autovacuum_enabled = off)',
      `insert into public.small select repeat('x', 800) from generate_series(1, 2000)`,
    );
    await runAs(url, 'vacuum (analyze) public.huge', 'vacuum (analyze) public.small');
    const howdah = await openHowdah(url);
    const without = await howdah.call('table_bloat', { exact: true });
    expect(without.not_examined).toMatchObject([{ what: 'exact bloat', remedy: 'CREATE EXTENSION pgstattuple;' }]);
    expect(new Set(without.rows.map(({ method }) => method))).toEqual(new Set(['estimated']));
    await runAs(url, `create extension pgstattuple version '1.4'`);
    const monitor = await openHowdah(clone().monitorUrl);
    const old = await monitor.call('table_bloat', { exact: true });
    expect(old.not_examined?.[0]).toMatchObject({ remedy: 'ALTER EXTENSION pgstattuple UPDATE;' });
    await monitor.close();
    const answer = await howdah.call('table_bloat', { exact: true, timeout_s: 5 });
    expect(rowOf(answer, 'huge')).toMatchObject({ method: 'estimated' });
    expect(rowOf(answer, 'small')).toMatchObject({ method: 'exact' });
    expect(reasonsOf(answer)).toEqual({
      'the exact bloat of "public"."huge"': 'It would take longer than the call may.',
    });
    await howdah.close();
  });
});
