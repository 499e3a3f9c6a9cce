import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession, type Answer } from '../postgres/platform.ts';
import { follow, objects } from './advice.ts';

function pairsOf({ rows }: Answer): unknown[][] {
  const pairs = rows.map(({ index, overlap, kept }) => [index, overlap, kept]);
  return pairs.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

describeEachMajor('duplicate_indexes', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('names each needless index once, with one that stays, for %s', async (login) => {
    const answer = await howdah(login).call('duplicate_indexes');
    expect(pairsOf(answer)).toEqual([
      ['events_unused', 'prefix', 'events_unused_unique'],
      ['overlapping_a', 'prefix', 'overlapping_a_c'],
      ['overlapping_a_again', 'prefix', 'overlapping_a_c'],
    ]);
    expect(objects(answer)).toEqual([
      'notice "indexes"."events_unused"',
      'notice "indexes"."overlapping_a"',
      'notice "indexes"."overlapping_a_again"',
    ]);
    const [{ size } = {}] = await runAs(
      clone().superuserUrl,
      `select pg_relation_size('indexes.events_unused')::int as size`,
    );
    expect(answer.rows[0]).toMatchObject({ schema: 'indexes', table: 'events', size, scans: 0, size_estimated: false });
    expect((await howdah(login).call('duplicate_indexes', { min_size: 1_000_000 })).total).toBe(1);
  });

  it('counts no more duplicates than it has read', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table pgboss.many (a integer)',
      `do $$ begin for n in 1..9 loop execute format('create index %I on pgboss.many (a)', 'many_' || n); end loop; end $$`,
    );
    const [some] = (await howdah('monitor').call('duplicate_indexes', { schema: 'pgboss', limit: 6 })).findings;
    expect(some).toMatchObject({
      claim: expect.stringMatching(/^At least 6 /),
      evidence: { count: 6, at_least: true },
    });
    const [all] = (await howdah('monitor').call('duplicate_indexes', { schema: 'pgboss' })).findings;
    expect(all).toMatchObject({ claim: expect.stringMatching(/^8 /), evidence: { count: 8 } });
    await runAs(url, 'drop table pgboss.many');
  });

  it('compares all that makes an index, and drops none that something needs', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table pgboss."Order" (id integer primary key, a integer not null, b text, c integer, d int4range, t tsvector)',
      'create unique index needed_by_key on pgboss."Order" (a)',
      'create table pgboss.refers (a integer references pgboss."Order" (a))',
      // duplicates
      'create index dup_unique on pgboss."Order" (a)',
      'create index dup_apart on pgboss."Order" using gist (d)',
      'alter table pgboss."Order" add constraint apart exclude using gist (d with &&)',
      'create index expression_1 on pgboss."Order" (lower(b), c) where c > 0',
      'create index expression_2 on pgboss."Order" ( lower( b ),c ) where (c) > (0)',
      'create index hash_1 on pgboss."Order" using hash (b)',
      'create index hash_2 on pgboss."Order" using hash (b)',
      'create index filled on pgboss."Order" (c, b) with (fillfactor = 50)',
      'create index unfilled on pgboss."Order" (c, b)',
      // one holds more
      'create index including on pgboss."Order" (b, c) include (id, a)',
      'create index including_less on pgboss."Order" (b, c) include (a)',
      'create index prefix_including on pgboss."Order" (b) include (c)',
      'create index expression_prefix on pgboss."Order" (lower(b)) where c > 0',
      // none of these
      'create index other_including on pgboss."Order" (c) include (a)',
      'create index including_1 on pgboss."Order" (a, c) include (id)',
      'create index including_2 on pgboss."Order" (a, c) include (b)',
      'create index other_predicate on pgboss."Order" (lower(b), c) where c > 1',
      'create index other_expression on pgboss."Order" (upper(b), c) where c > 0',
      'create index other_class on pgboss."Order" (b text_pattern_ops, c)',
      'create index other_collation on pgboss."Order" (b collate "POSIX", c)',
      'create index other_nulls on pgboss."Order" (b nulls first, c)',
      'create index range_1 on pgboss."Order" using brin (c) with (pages_per_range = 8)',
      'create index range_2 on pgboss."Order" using brin (c) with (pages_per_range = 64)',
      ...(cluster.major >= 13
        ? [
            'create index text_1 on pgboss."Order" using gist (t tsvector_ops (siglen = 100))',
            'create index text_2 on pgboss."Order" using gist (t)',
          ]
        : []),
      'create unique index second_key on pgboss."Order" (id)',
      // replica identity, and an index that CLUSTER goes by
      'create table pgboss.identified (id integer not null, a integer, b integer)',
      'create unique index identified_id on pgboss.identified (id)',
      'alter table pgboss.identified replica identity using index identified_id',
      'create index identified_a on pgboss.identified (a)',
      'create index identified_a_2 on pgboss.identified (a)',
      'alter table pgboss.identified cluster on identified_a_2',
      'create index identified_b on pgboss.identified (b)',
      'create index identified_b_a on pgboss.identified (b, a)',
    );
    const answer = await howdah('plain').call('duplicate_indexes', { schema: 'pgboss' });
    expect(pairsOf(answer)).toEqual([
      ['dup_apart', 'duplicate', 'apart'],
      ['dup_unique', 'duplicate', 'needed_by_key'],
      ['expression_2', 'duplicate', 'expression_1'],
      ['expression_prefix', 'prefix', 'expression_1'],
      ['hash_2', 'duplicate', 'hash_1'],
      ['identified_a', 'duplicate', 'identified_a_2'],
      ['identified_b', 'prefix', 'identified_b_a'],
      ['including_less', 'duplicate', 'including'],
      ['prefix_including', 'prefix', 'including'],
      ['unfilled', 'duplicate', 'filled'],
    ]);
    const before = await runAs(url, `select conname from pg_constraint order by 1`);
    await runAs(url, 'alter table pgboss.identified cluster on identified_b');
    const { rows } = await howdah('plain').call('duplicate_indexes', { schema: 'pgboss' });
    expect(rows.find(({ index }) => index === 'identified_b')).toMatchObject({ clustered: true });
    await runAs(url, ...rows.map(({ index }) => `drop index concurrently pgboss.${index}`));
    expect((await howdah('plain').call('duplicate_indexes', { schema: 'pgboss' })).rows).toEqual([]);
    expect(await runAs(url, `select conname from pg_constraint order by 1`)).toEqual(before);
  });

  it('counts the indexes of partitions in the one of their parent', async () => {
    await runAs(
      clone().superuserUrl,
      'create index measurements_value_2 on partitions.measurements (value)',
      'create index measurements_2024_own on partitions.measurements_2024 (value)',
      'create index measurements_2024_at_1 on partitions.measurements_2024 (at desc)',
      'create index measurements_2024_at_2 on partitions.measurements_2024 (at desc)',
      'create index measurements_at on only partitions.measurements (at desc)',
      'alter index partitions.measurements_at attach partition partitions.measurements_2024_at_2',
    );
    const answer = await howdah('plain').call('duplicate_indexes', { schema: 'partitions' });
    expect(pairsOf(answer)).toEqual([
      ['measurements_2024_at_1', 'duplicate', 'measurements_2024_at_2'],
      ['measurements_2024_own', 'duplicate', expect.stringMatching(/^measurements_2024_value_idx/)],
      ['measurements_value_2', 'duplicate', 'measurements_value'],
    ]);
    expect(answer.rows.find(({ index }) => index === 'measurements_value_2')).toMatchObject({
      partitions: 3,
      size: 3 * 16_384,
    });
    for (const finding of answer.findings) await follow(clone().superuserUrl, finding);
    expect((await howdah('plain').call('duplicate_indexes', { schema: 'partitions' })).rows).toEqual([]);
  });

  it('leaves out temporary tables of other sessions and invalid indexes', async () => {
    await runAs(clone().superuserUrl, 'create index broken_b on indexes.broken (a)');
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('create temporary table own (a integer)');
      await session.query('create index own_1 on own (a)');
      await session.query('create index own_2 on own (a)');
      const { rows } = await howdah('superuser').call('duplicate_indexes');
      expect(rows.map(({ table }) => table)).not.toContain('own');
      expect(rows.map(({ table }) => table)).not.toContain('broken');
    });
  });

  it.each(['table', 'index'] as const)('answers at once while the %s is locked', async (what) => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query(
        what === 'table'
          ? 'lock table indexes.overlapping in access exclusive mode'
          : 'reindex index indexes.overlapping_a',
      );
      const startedAt = performance.now();
      const { rows } = await howdah('plain').call('duplicate_indexes', { schema: 'indexes' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(rows.find(({ index }) => index === 'overlapping_a')).toMatchObject({ size_estimated: true });
      expect(rows.find(({ index }) => index === 'events_unused')).toMatchObject({ size_estimated: false });
    });
  });
});
