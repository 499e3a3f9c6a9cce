import { beforeAll, expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';
import { untilCounted } from './counted.ts';

const SCHEMA = [
  'create schema needs',
  'create table needs."Target" (id integer primary key, span int4range, code text not null)',
  'create unique index target_code on needs."Target" (code)',
  'alter table needs."Target" replica identity using index target_code',
  'alter table needs."Target" add constraint target_span exclude using gist (span with &&)',
  'create index target_lower on needs."Target" (lower(code))',
  'cluster needs."Target" using target_lower',
  'create table needs.source (id integer references needs."Target", code text references needs."Target" (code))',
  `insert into needs."Target" select g, int4range(g, g + 1), 'code ' || g from generate_series(1, 2000) g`,
  'analyze needs."Target"',
];
const READS = [
  'set enable_seqscan = off',
  'select code from needs."Target" where id = 7',
  'select code from needs."Target" where id = 8',
  'select id from needs."Target" where code = \'code 7\'',
];

function rowOf({ rows }: Answer, index: string): Row {
  return rows.find((row) => row['index'] === index) ?? {};
}

describeEachMajor('index_usage', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  beforeAll(async () => {
    const url = clone().superuserUrl;
    await runAs(url, ...SCHEMA);
    await runAs(url, ...READS);
    await untilCounted(url, `(select idx_scan >= 2 from pg_stat_user_indexes where indexrelname = 'Target_pkey')`);
  });

  it.each(loginsOf(cluster))('has what the view has, and the size of each, for %s', async (login) => {
    const answer = await howdah(login).call('index_usage', { limit: 500 });
    const expected = await runAs(
      clone().superuserUrl,
      `select indexrelname as index, idx_scan::float8, idx_tup_read::float8, idx_tup_fetch::float8, pg_relation_size(indexrelid)::float8 as size
         from pg_stat_user_indexes
        where relname in ('Target', 'events', 'overlapping', 'payroll', 'job', 'Mixed Case')`,
    );
    expect(expected.length).toBeGreaterThan(15);
    for (const row of expected) expect(rowOf(answer, String(row['index']))).toMatchObject(row);
    expect(rowOf(answer, 'events_used')).toMatchObject({ idx_scan: 60, needed_for: [], valid: true });
    expect(rowOf(answer, 'events_used')['last_idx_scan'] === null).toBe(cluster.major < 16);
    expect(rowOf(answer, 'broken_a')).toMatchObject({ valid: false });
  });

  it('says what would be lost with each, scanned or not', async () => {
    const answer = await howdah('plain').call('index_usage', { limit: 500 });
    const needs = Object.fromEntries(fieldsOf(answer, 'index', 'needed_for') as [string, string[]][]);
    expect(needs).toMatchObject({
      Target_pkey: ['primary_key', 'foreign_keys'],
      target_code: ['uniqueness', 'foreign_keys', 'replica_identity'],
      target_span: ['exclusion_constraint'],
      target_lower: ['cluster', 'statistics'],
      customers_email_key: ['unique_constraint'],
      events_unused: [],
      events_unused_unique: ['uniqueness'],
      measurements_pkey: ['primary_key'],
      overlapping_expression: ['statistics'],
    });
  });

  it('compares with all scans of the table, sequential ones too', async () => {
    const { rows } = await howdah('plain').call('index_usage', { schema: 'needs', name: 'target' });
    const [all] = await runAs(
      clone().superuserUrl,
      `select (seq_scan + idx_scan)::float8 as scans from pg_stat_user_tables where relname = 'Target'`,
    );
    const pkey = rows.find(({ index }) => index === 'Target_pkey');
    expect(pkey?.['table_scans_percent']).toBeCloseTo((100 * Number(pkey?.['idx_scan'])) / Number(all?.['scans']), 1);
  });

  it('orders by use, by the want of it and by size', async () => {
    const byUse = await howdah('plain').call('index_usage', { schema: 'indexes', limit: 1 });
    expect(byUse.rows).toMatchObject([{ index: 'events_used' }]);
    expect(byUse).toMatchObject({ truncated: true, total: 16 });
    const unused = await howdah('plain').call('index_usage', { schema: 'indexes', order_by: 'unused' });
    expect(unused.rows[0]).toMatchObject({ index: 'events_unused_unique', idx_scan: 0 }); // the largest of them
    expect(fieldsOf(unused, 'index').at(-1)).toEqual(['events_used']);
    const byName = await howdah('plain').call('index_usage', { schema: 'keys', order_by: 'name', limit: 1 });
    expect(byName.rows).toMatchObject([{ table: 'indexed' }]);
  });

  it('sums the indexes of partitions up', async () => {
    const { rows } = await howdah('plain').call('index_usage', { schema: 'partitions', order_by: 'name' });
    expect(rows.map(({ index, partitions }) => [index, partitions])).toEqual([
      ['measurements_pkey', 3],
      ['measurements_value', 3],
    ]);
  });

  it('answers at once while a table is locked, estimates, and says what its counters are worth', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table indexes.events in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('monitor').call('index_usage', { schema: 'indexes' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(rowOf(answer, 'events_used')).toMatchObject({ size_estimated: true, idx_scan: 60 });
      expect(rowOf(answer, 'overlapping_a')).toMatchObject({ size_estimated: false });
      expect(answer['about']).toMatchObject({ track_counts: true, standbys: cluster.standby ? 1 : 0 });
      expect(answer.not_examined?.[0]).toMatchObject({ what: 'how old the indexes are' });
    });
  });

  it('answers to get_index_usage_stats, for every index', async () => {
    const answer = await howdah('monitor').call('get_index_usage_stats', { database_name: clone().name });
    expect(answer.total).toBeGreaterThan(50);
    const scans = answer.rows.map(({ idx_scan }) => Number(idx_scan));
    expect(scans).toEqual(scans.toSorted((a, b) => b - a));
  });
});

describeEachStandby('index_usage of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('counts the scans there, and says so, for %s', async (login) => {
    await caughtUp(cluster);
    const answer = await standby(login).call('index_usage', { schema: 'indexes' });
    expect(rowOf(answer, 'events_used')).toMatchObject({ idx_scan: 0, size: expect.any(Number) });
    expect(answer.not_examined?.at(-1)).toMatchObject({ what: 'scans on the primary and on other standbys' });
  });
});
