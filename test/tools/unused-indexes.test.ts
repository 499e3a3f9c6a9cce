import { expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';

function indexesOf({ rows }: Answer): string[] {
  return rows.map(({ index }) => String(index));
}

function rowOf({ rows }: Answer, index: string): Row | undefined {
  return rows.find((row) => row['index'] === index);
}

function servedBy({ rows }: Answer): Row {
  return Object.fromEntries(rows.map((row) => [row['index'], row['supports_foreign_keys']]));
}

describeEachMajor('unused_indexes', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('finds the one that is large, free to go and never scanned, for %s', async (login) => {
    const [size] = await runAs(
      clone().superuserUrl,
      `select pg_relation_size('indexes.events_unused')::float8 as size`,
    );
    const answer = await howdah(login).call('unused_indexes');
    expect(answer.rows).toEqual([
      {
        schema: 'indexes',
        table: 'events',
        index: 'events_unused',
        definition: 'CREATE INDEX events_unused ON indexes.events USING btree (at)',
        ...size,
        size_estimated: false,
        scans: 0,
        last_scan: null,
        table_writes: expect.any(Number),
        partitions: null,
        supports_foreign_keys: [],
        has_expressions: false,
        clustered: false,
      },
    ]);
    expect(answer).toMatchObject({ total: 1, truncated: false });
    expect(answer.findings).toEqual([
      expect.objectContaining({
        severity: 'notice', // the counters are young
        object: '"indexes"."events_unused"',
        next_step: expect.stringMatching(/^DROP INDEX CONCURRENTLY "indexes"."events_unused";/),
      }),
    ]);
  });

  it('names none that backs a constraint, is unique or broken, whatever its size', async () => {
    const answer = await howdah('plain').call('unused_indexes', { min_size: 0, limit: 500, max_scans: 0 });
    expect(indexesOf(answer).toSorted()).toEqual([
      'events_unused',
      'events_unused_small',
      'indexed_parent_id_idx',
      'indexed_reversed_b_a_c_idx',
      'measurements_value',
      'order_customer',
      'overlapping_a',
      'overlapping_a_again',
      'overlapping_a_b',
      'overlapping_a_desc',
      'overlapping_a_partial',
      'overlapping_expression',
      'overlapping_hash',
      'partial_index_parent_id_idx',
      'second_column_id_parent_id_idx',
      'shipments_line',
    ]);
    expect(rowOf(answer, 'overlapping_expression')).toMatchObject({ has_expressions: true });
    expect(answer.findings.find(({ object }) => object === '"indexes"."overlapping_expression"')).toMatchObject({
      severity: 'notice',
      next_step: expect.stringMatching(/^-- /),
    });
    expect(rowOf(answer, 'measurements_value')).toMatchObject({
      table: 'measurements',
      partitions: 3,
      table_writes: expect.any(Number),
    });
  });

  it('says which of them serve foreign keys, and does not advise to drop those', async () => {
    const answer = await howdah('plain').call('unused_indexes', { min_size: 0, schema: 'keys' });
    const serving = answer.rows.map(({ index, supports_foreign_keys: keys }) => [index, keys]);
    expect(Object.fromEntries(serving)).toEqual({
      indexed_parent_id_idx: ['indexed_parent_id_fkey'],
      indexed_reversed_b_a_c_idx: [expect.stringMatching(/^indexed_reversed_a/)],
      partial_index_parent_id_idx: [],
      second_column_id_parent_id_idx: [],
    });
    const advice = answer.findings.map(({ object, next_step }) => [object, next_step?.startsWith('DROP') === true]);
    expect(Object.fromEntries(advice)).toEqual({
      '"keys"."indexed_parent_id_idx"': false,
      '"keys"."indexed_reversed_b_a_c_idx"': false,
      '"keys"."partial_index_parent_id_idx"': true,
      '"keys"."second_column_id_parent_id_idx"': true,
    });
  });

  it('counts as serving a foreign key what finds single rows, by all columns of the key', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema serving',
      'create table serving.target (id integer primary key, span int4range unique)',
      'create table serving.source (id integer references serving.target, span int4range references serving.target (span))',
      'create index by_id on serving.source (id)',
      'create index by_block on serving.source using brin (id)',
      'create index by_span on serving.source (span)',
      'create index by_overlap on serving.source using gist (span)',
    );
    const input = { min_size: 0, schema: 'serving' };
    expect(servedBy(await howdah('plain').call('unused_indexes', input))).toEqual({
      by_block: [],
      by_id: ['source_id_fkey'],
      by_overlap: [],
      by_span: ['source_span_fkey'],
    });
    // of two that nobody scans one has to stay
    await runAs(clone().superuserUrl, 'create index by_hash on serving.source using hash (id)');
    expect(servedBy(await howdah('plain').call('unused_indexes', input))).toMatchObject({
      by_id: ['source_id_fkey'],
      by_hash: [],
    });
  });

  it('keeps one of several unused indexes for a foreign key, the one that duplicate_indexes keeps', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema several',
      'create table several.target (id integer primary key)',
      'create table several.source (id integer references several.target, b integer, c integer)',
      'create index only_a on several.source (id)',
      'create index with_b on several.source (id, b)',
      'create index with_c on several.source (id, c) include (b)',
    );
    const input = { min_size: 0, schema: 'several' };
    const keys = await howdah('plain').call('unused_indexes', input);
    expect(servedBy(keys)).toEqual({ only_a: [], with_b: [], with_c: ['source_id_fkey'] });
    const drops = keys.findings.flatMap(({ object, next_step }) => (next_step?.startsWith('DROP') ? object : []));
    expect(drops).not.toContain('"several"."with_c"');
    const duplicates = await howdah('plain').call('duplicate_indexes', { schema: 'several' });
    expect(indexesOf(duplicates)).toEqual(['only_a']);
    await runAs(clone().superuserUrl, 'create unique index stays on several.source (id, c, b)');
    expect(servedBy(await howdah('plain').call('unused_indexes', input))).toMatchObject({ with_c: [] });
  });

  it('knows that a partition needs an index for the key of its table, attached or not', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema parted',
      'create table parted.target (id integer primary key)',
      'create table parted.source (part integer, id integer constraint to_target references parted.target) partition by list (part)',
      'create table parted.one (id integer, part integer)',
      'alter table parted.source attach partition parted.one for values in (1)',
      'create table parted.two partition of parted.source for values in (2)',
      'create index of_one on parted.one (id)',
    );
    const input = { min_size: 0, schema: 'parted' };
    expect(servedBy(await howdah('plain').call('unused_indexes', input))).toEqual({ of_one: ['to_target'] });
    await runAs(clone().superuserUrl, 'create index of_all on parted.source (id, part)');
    expect(servedBy(await howdah('plain').call('unused_indexes', input))).toEqual({
      of_all: ['to_target'],
      of_one: [],
    });
  });

  it('knows how often an index was scanned and, from PostgreSQL 16, when', async () => {
    const answer = await howdah('plain').call('unused_indexes', { max_scans: 60 });
    expect(indexesOf(answer)).toContain('events_used');
    const used = rowOf(answer, 'events_used');
    expect(used).toMatchObject({ scans: 60 });
    expect(used?.['last_scan'] === null).toBe(cluster.major < 16);
  });

  it('leaves out the replica identity', async () => {
    await runAs(
      clone().superuserUrl,
      'create table public.replicated (a integer not null)',
      'create unique index identity on public.replicated (a)',
      'alter table public.replicated replica identity using index identity',
    );
    expect(indexesOf(await howdah('plain').call('unused_indexes', { min_size: 0, schema: 'public' }))).toEqual([]);
  });

  it('says since when is counted, that this is not long, and that standbys count for themselves', async () => {
    const answer = await howdah('monitor').call('unused_indexes');
    const { counted_since, counted_s, standbys } = answer['about'] as Row;
    expect(counted_since).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(counted_s).toBeLessThan(3600 * 24);
    expect(standbys).toBe(cluster.standby ? 1 : 0);
    const gaps = (answer.not_examined ?? []).map(({ what }) => what);
    expect(gaps).toEqual([
      'how old the indexes are',
      `scans before ${String(counted_since)}`,
      ...(cluster.standby ? ['scans on 1 standby'] : []),
    ]);
  });

  it('answers at once while a table is locked, and estimates', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table indexes.events, indexes.overlapping in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('unused_indexes', { min_size: 0 });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(Number(rowOf(answer, 'events_unused')?.['size'])).toBeGreaterThan(1_000_000);
      expect(rowOf(answer, 'events_unused')).toMatchObject({ size_estimated: true, definition: null });
      expect(rowOf(answer, 'overlapping_a_partial')).toMatchObject({ size_estimated: true, definition: null });
      expect(rowOf(answer, 'order_customer')).toMatchObject({
        size_estimated: false,
        definition: expect.stringContaining('CREATE INDEX'),
      });
    });
  });
});

describeEachStandby('unused_indexes on a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('counts scans there, and says so, for %s', async (login) => {
    await caughtUp(cluster);
    const answer = await standby(login).call('unused_indexes');
    expect(indexesOf(answer).toSorted()).toEqual(['events_unused', 'events_used']); // used on the primary only
    expect(answer.rows.map((row) => row['table_writes'])).toEqual([null, null]);
    // who follows them on the primary would drop what it uses
    expect(answer.findings).toEqual([]);
    expect(answer.not_examined).toContainEqual(
      expect.objectContaining({ what: 'scans on the primary and on other standbys' }),
    );
  });
});
