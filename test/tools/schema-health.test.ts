import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/contract/finding.ts';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, runAs, useHowdah, withSession, type Answer } from '../postgres/platform.ts';

const TOOLS = ['invalid_indexes', 'duplicate_indexes', 'foreign_keys_without_index', 'sequence_exhaustion'];

/** Does what a finding advises, one statement after the other. */
async function follow(url: string, { next_step = '' }: Finding): Promise<void> {
  const statements = next_step.split('\n').map((line) => line.replace(/ ?--.*/, ''));
  await runAs(url, ...statements.filter((statement) => statement !== ''));
}

function objects({ findings }: Answer): string[] {
  return findings.map(({ severity, object }) => `${severity} ${object}`);
}

function namesOf({ rows }: Answer, ...fields: string[]): unknown[][] {
  return rows.map((row) => fields.map((field) => row[field]));
}

/** Starts a statement on "we.ird"."Big" that has to wait, lets `meanwhile` look, and cancels it: its traces stay. */
async function leaveUnfinished(url: string, statement: string, meanwhile: () => Promise<void>): Promise<void> {
  await withSession(url, async (holder) => {
    await withSession(url, async (builder) => {
      await holder.query('begin');
      await holder.query('lock table "we.ird"."Big" in row exclusive mode');
      const { rows } = await builder.query<{ pid: number }>('select pg_backend_pid() as pid');
      const pid = rows[0]?.pid;
      const ended = builder.query(statement).then(
        () => 'done',
        (error: unknown) => (error as pg.DatabaseError).code,
      );
      for (let waiting = false; !waiting; await sleep(10)) {
        const found = await holder.query('select from pg_locks where pid = $1 and not granted', [pid]);
        waiting = found.rows.length > 0;
      }
      await meanwhile();
      await holder.query('select pg_cancel_backend($1)', [pid]);
      expect(await ended).toBe('57014');
    });
  });
}

describeEachMajor('a database in order', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.each(LOGINS)('has nothing to mend, for %s', async (login) => {
    if (login === 'superuser') {
      await runAs(
        clone().superuserUrl,
        'create schema "we.ird"',
        'create table "we.ird"."Order" (id bigint generated always as identity primary key, "at" date not null, note text)',
        'create table public.lines (order_id bigint not null references "we.ird"."Order", line integer, primary key (order_id, line))',
        'create index on "we.ird"."Order" (at, id)',
        'create index on "we.ird"."Order" (lower(note))',
        'create index on "we.ird"."Order" (upper(note))',
        'create table public.parts (id bigint not null references "we.ird"."Order", at date not null) partition by range (at)',
        "create table public.parts_1 partition of public.parts for values from ('2024-01-01') to ('2025-01-01')",
        'create index on public.parts (id)',
        'create table public.counted (id bigserial primary key)',
        'insert into public.counted select from generate_series(1, 10)',
      );
    }
    for (const tool of TOOLS) {
      const answer = await howdah(login).call(tool, tool.startsWith('foreign') ? { min_rows: 0 } : {});
      expect(answer.findings, tool).toEqual([]);
      if (tool !== 'sequence_exhaustion') expect(answer, tool).toMatchObject({ rows: [], total: 0 });
    }
  });
});

describeEachMajor('invalid_indexes', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(LOGINS)('names the broken index and no other, for %s', async (login) => {
    const [{ size } = {}] = await runAs(
      clone().superuserUrl,
      `select pg_relation_size('indexes.broken_a')::int as size`,
    );
    const answer = await howdah(login).call('invalid_indexes');
    expect(answer).toMatchObject({ total: 1, truncated: false });
    expect(answer.rows).toMatchObject([
      {
        schema: 'indexes',
        table: 'broken',
        index: 'broken_a',
        cause: 'failed_build',
        valid: false,
        ready: true,
        live: true,
        size,
        size_estimated: false,
      },
    ]);
    expect(answer.findings).toMatchObject([{ severity: 'warning', object: '"indexes"."broken_a"' }]);
    expect(answer).not.toHaveProperty('not_examined');
  });

  it('knows what is being built, reindexed or dropped from what was left behind', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table "we.ird"."Big" (id integer primary key, a integer, b integer)',
      'insert into "we.ird"."Big" select g, 1, g from generate_series(1, 100) g',
      'create index "Big a" on "we.ird"."Big" (a)',
      'create index "Big b" on "we.ird"."Big" (b)',
    );
    const rows = async (login: (typeof LOGINS)[number] = 'superuser') =>
      namesOf(await howdah(login).call('invalid_indexes', { schema: 'we.ird' }), 'index', 'cause', 'unique');
    const noneYet = async () => {
      for (const login of LOGINS) expect(await rows(login)).toEqual([]);
    };
    await leaveUnfinished(url, 'reindex index concurrently "we.ird"."Big a"', noneYet);
    expect(await rows()).toEqual([['Big a_ccnew', 'reindex_new', false]]);
    const [leftover] = (await howdah('plain').call('invalid_indexes', { schema: 'we.ird' })).findings;
    expect(leftover?.next_step).toMatch(/^DROP INDEX CONCURRENTLY "we\.ird"\."Big a_ccnew";/);
    if (leftover) await follow(url, leftover);
    expect(await rows()).toEqual([]);

    await leaveUnfinished(url, 'drop index concurrently "we.ird"."Big b"', noneYet);
    expect(await rows()).toEqual([['Big b', 'failed_build', false]]);
    await runAs(url, 'drop index "we.ird"."Big b"');

    await leaveUnfinished(url, 'create unique index concurrently "Big u" on "we.ird"."Big" (b)', noneYet);
    expect(await rows()).toEqual([['Big u', 'failed_build', true]]);
    const answer = await howdah('monitor').call('invalid_indexes', { schema: 'we.ird' });
    expect(answer.rows).toMatchObject([{ valid: false, ready: false, live: true }]);
    // another build on the same table does not hide it from those who may know which index that is
    await leaveUnfinished(url, 'create index concurrently "Big c" on "we.ird"."Big" (b)', async () => {
      expect(await rows('monitor')).toEqual([['Big u', 'failed_build', true]]);
    });
    await runAs(url, 'drop index "we.ird"."Big c"');
    const [failed] = answer.findings;
    if (failed) await follow(url, failed);
    expect(await rows()).toEqual([]);
  });

  it('advises to drop what a second attempt has replaced, and to keep what a constraint needs', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table pgboss.twice (id integer primary key, a text)',
      'create index twice_a on pgboss.twice (lower(a)) where id > 5',
      'create index twice_a1 on pgboss.twice (  lower (a) ) where (id  >  5)',
      'create index twice_a2 on pgboss.twice (lower(a)) where id > 6',
      `update pg_index set indisvalid = false where indexrelid in ('pgboss.twice_a'::regclass, 'pgboss.twice_pkey'::regclass)`,
    );
    const { rows, findings } = await howdah('plain').call('invalid_indexes', { schema: 'pgboss' });
    expect(rows.map(({ index, same_as, backs_constraint }) => [index, same_as, backs_constraint]).toSorted()).toEqual([
      ['twice_a', 'twice_a1', null],
      ['twice_pkey', null, 'twice_pkey'],
    ]);
    const steps = findings.map(({ next_step }) => next_step?.split('\n').at(-1)).toSorted();
    expect(steps).toEqual([
      'DROP INDEX CONCURRENTLY "pgboss"."twice_a";',
      'REINDEX INDEX CONCURRENTLY "pgboss"."twice_pkey";',
    ]);
    for (const finding of findings) await follow(url, finding);
    expect((await howdah('plain').call('invalid_indexes', { schema: 'pgboss' })).rows).toEqual([]);
  });

  it('knows that a partitioned index waits for its parts', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create index measurements_at on only partitions.measurements (at)',
      'create index measurements_2024_at on partitions.measurements_2024 (at)',
      'alter index partitions.measurements_at attach partition partitions.measurements_2024_at',
    );
    const answer = await howdah('plain').call('invalid_indexes', { schema: 'partitions' });
    expect(answer.rows).toMatchObject([
      {
        index: 'measurements_at',
        cause: 'partitioned',
        size: null,
        partitions_without: 2,
        first_without: 'partitions.measurements_2025',
      },
    ]);
    expect(answer.findings).toMatchObject([
      { severity: 'notice', claim: expect.stringContaining('2 partitions of its table have no index') },
    ]);
    for (const part of ['measurements_2025', 'measurements_default']) {
      await runAs(
        url,
        `create index ${part}_at on partitions.${part} (at)`,
        `alter index partitions.measurements_at attach partition partitions.${part}_at`,
      );
    }
    expect((await howdah('plain').call('invalid_indexes', { schema: 'partitions' })).rows).toEqual([]);
  });

  it('finds a broken index of a TOAST table', async () => {
    const url = clone().superuserUrl;
    const [{ toast } = {}] = await runAs(
      url,
      `update pg_index set indisvalid = false
        where indrelid = (select reltoastrelid from pg_class where oid = 'bloat.mostly_dead'::regclass)
       returning indexrelid::regclass::text as toast`,
    );
    const { rows, findings } = await howdah('plain').call('invalid_indexes', { schema: 'pg_toast' });
    expect(rows).toMatchObject([{ toast_of: 'bloat.mostly_dead', schema: 'pg_toast' }]);
    expect(`pg_toast.${rows[0]?.['index']}`).toBe(toast);
    expect(findings[0]?.next_step).toBe(
      `-- fails again while two rows have the same key\nREINDEX INDEX CONCURRENTLY "pg_toast"."${rows[0]?.['index']}";`,
    );
  });

  it('answers at once while the table is locked', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table indexes.broken in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('invalid_indexes', { schema: 'indexes' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.rows).toMatchObject([{ index: 'broken_a', size_estimated: true }]);
    });
  });
});

describeEachMajor('duplicate_indexes', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const pairsOf = (answer: Answer) => namesOf(answer, 'index', 'overlap', 'kept').toSorted();

  it.each(LOGINS)('names each needless index once, with one that stays, for %s', async (login) => {
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

describeEachMajor('foreign_keys_without_index', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(LOGINS)('names the keys that no index serves, and no other, for %s', async (login) => {
    const answer = await howdah(login).call('foreign_keys_without_index', { min_rows: 0 });
    expect(objects(answer)).toEqual([
      'notice "keys"."no_index"',
      'notice "keys"."partial_index"',
      'notice "keys"."second_column"',
    ]);
    expect(answer.rows[0]).toEqual({
      schema: 'keys',
      table: 'no_index',
      constraint: 'no_index_parent_id_fkey',
      columns: ['parent_id'],
      referenced_schema: 'keys',
      referenced_table: 'parent',
      referenced_columns: ['id'],
      on_delete: 'no action',
      on_update: 'no action',
      rows: 0,
      size: 0,
      referenced_size: 49_152,
      size_estimated: false,
      partitions: null,
      partitions_without: null,
    });
    expect((await howdah(login).call('foreign_keys_without_index')).rows).toEqual([]);
  });

  it('judges by size, and is content when its advice was followed', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table "we.ird"."Order" (id integer primary key, "a b" integer, c integer, "T" text collate "C",' +
        ' foreign key ("a b", c) references keys.parent (a, b) on delete cascade on update set null)',
      'insert into "we.ird"."Order" select g, 1 + g % 1000, 1 + g % 1000 from generate_series(1, 2000) g',
      'create table "we.ird".texts (t text collate "C" primary key)',
      'alter table "we.ird"."Order" add foreign key ("T") references "we.ird".texts',
    );
    const call = (input = {}) => howdah('plain').call('foreign_keys_without_index', { schema: 'we.ird', ...input });
    const unknown = await call();
    expect(namesOf(unknown, 'constraint', 'rows', 'on_delete', 'on_update')).toEqual([
      ['Order_T_fkey', null, 'no action', 'no action'],
      [expect.stringMatching(/^Order_a b/), null, 'cascade', 'set null'],
    ]);
    await runAs(
      url,
      // none of these serves a key
      'create index on "we.ird"."Order" ("a b", id, c)',
      'create index on "we.ird"."Order" using brin ("a b", c)',
      'create index on "we.ird"."Order" ("a b") include (c)',
      'create index on "we.ird"."Order" ("T" collate "POSIX")',
      'analyze "we.ird"."Order"',
    );
    const answer = await call({ warn_size: 90_112 });
    expect(answer.rows).toMatchObject([{ rows: 2000, size: 90_112 }, { rows: 2000 }]);
    expect(objects(answer)).toEqual(['warning "we.ird"."Order"', 'warning "we.ird"."Order"']);
    expect(objects(await call({ warn_size: 90_113 }))[0]).toMatch(/^notice/);
    expect((await call({ min_rows: 2001 })).rows).toEqual([]);
    expect(answer.findings[1]?.next_step).toBe('CREATE INDEX CONCURRENTLY ON "we.ird"."Order" ("a b", "c");');
    for (const finding of answer.findings) await follow(url, finding);
    expect((await call()).rows).toEqual([]);
  });

  it('takes no index that only overlaps for one that finds a row, and a hash index for one column', async () => {
    await runAs(
      clone().superuserUrl,
      'create table crm.spans (span int4range primary key)',
      'create table crm.uses (span int4range references crm.spans)',
      'create index on crm.uses using gist (span)',
    );
    const call = () => howdah('plain').call('foreign_keys_without_index', { schema: 'crm', min_rows: 0 });
    expect(namesOf(await call(), 'constraint')).toEqual([['uses_span_fkey']]);
    await runAs(clone().superuserUrl, 'create index on crm.uses using hash (span)');
    expect((await call()).rows).toEqual([]);
  });

  it('looks at each partition, whatever the numbers of its columns', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table partitions.refers (gone integer, id integer not null, parent_id integer references keys.parent) partition by range (id)',
      'alter table partitions.refers drop column gone',
      'create table partitions.refers_1 (id integer not null, parent_id integer, more integer)',
      'alter table partitions.refers_1 drop column more',
      'alter table partitions.refers attach partition partitions.refers_1 for values from (0) to (10)',
      'create table partitions.refers_2 partition of partitions.refers for values from (10) to (20) partition by range (id)',
      'create table partitions.refers_2_1 partition of partitions.refers_2 for values from (10) to (15)',
      'create index on partitions.refers_1 (parent_id)',
    );
    const call = () => howdah('plain').call('foreign_keys_without_index', { schema: 'partitions', min_rows: 0 });
    const answer = await call();
    expect(answer.rows).toMatchObject([
      { table: 'refers', columns: ['parent_id'], partitions: 2, partitions_without: 1 },
    ]);
    await runAs(url, 'create index by_hand on partitions.refers_2_1 (parent_id)');
    expect((await call()).rows).toEqual([]);
    await runAs(url, 'drop index partitions.by_hand');
    for (const finding of answer.findings) await follow(url, finding);
    expect((await call()).rows).toEqual([]);
  });

  it('counts a key to a partitioned table once, with the size of all that it references', async () => {
    await runAs(
      clone().superuserUrl,
      'create table crm.readings (id integer, at date, foreign key (id, at) references partitions.measurements)',
      "insert into crm.readings values (1, '2024-05-01')",
    );
    const { rows } = await howdah('plain').call('foreign_keys_without_index', { schema: 'crm', min_rows: 0 });
    expect(rows).toMatchObject([
      { table: 'readings', size: 8192, referenced_table: 'measurements', referenced_size: 3 * 8192 },
    ]);
  });

  it.runIf(cluster.major >= 18)('leaves out keys that are not enforced', async () => {
    await runAs(clone().superuserUrl, 'create table shop.lax (id integer references keys.parent not enforced)');
    expect((await howdah('plain').call('foreign_keys_without_index', { schema: 'shop', min_rows: 0 })).rows).toEqual(
      [],
    );
  });

  it('answers at once while either table is locked, and says so', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table keys.parent, keys.partial_index in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('foreign_keys_without_index', { schema: 'keys', min_rows: 0 });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.rows).toMatchObject([{ table: 'no_index', referenced_size: 49_152, size_estimated: true }, {}, {}]);
      expect(answer.not_examined).toMatchObject([
        { what: expect.stringContaining('the exact size of "keys"."no_index"') },
      ]);
    });
  });
});

describeEachMajor('sequence_exhaustion', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const used = (answer: Answer) =>
    namesOf(answer, 'sequence', 'used_percent', 'limited_by', 'last_possible', 'remaining');

  it('measures each sequence by what its column can hold', async () => {
    const answer = await howdah('superuser').call('sequence_exhaustion', { schema: 'sequences' });
    expect(used(answer)).toEqual([
      ['nearly_full_id_seq', 97.66, 'both', '32767', '767'],
      ['wider_than_column', 93.13, 'column', '2147483647', '147483647'],
      ['fresh_id_seq', 0, 'both', '9223372036854775807', '9223372036854775807'],
    ]);
    expect(objects(answer)).toEqual([
      'critical "sequences"."nearly_full_id_seq"',
      'critical "sequences"."wider_than_column"',
    ]);
    const lax = await howdah('superuser').call('sequence_exhaustion', {
      schema: 'sequences',
      critical_percent: 95,
      warn_percent: 93.13,
    });
    expect(objects(lax)).toEqual([
      'critical "sequences"."nearly_full_id_seq"',
      'warning "sequences"."wider_than_column"',
    ]);
    expect(answer).not.toHaveProperty('not_examined');
  });

  it.each(['monitor', 'plain'] as const)(
    'says that %s may not read them, and never that they are unused',
    async (login) => {
      const all = await howdah('superuser').call('sequence_exhaustion');
      const answer = await howdah(login).call('sequence_exhaustion');
      expect(answer.findings).toEqual([]);
      expect(
        answer.rows.map(({ used_percent, last_value, unreadable }) => [used_percent, last_value, unreadable]),
      ).toEqual(all.rows.map(() => [null, null, 'right']));
      expect(answer.not_examined).toEqual([
        {
          what: `how much of ${all.total} sequences is used`,
          reason: `The login "${login}" has neither USAGE nor SELECT on them.`,
          remedy: `GRANT SELECT ON ALL SEQUENCES IN SCHEMA sequences, shop TO "${login}";`,
        },
      ]);
      await runAs(clone().superuserUrl, answer.not_examined?.[0]?.remedy ?? '');
      const granted = await howdah(login).call('sequence_exhaustion');
      expect(granted.rows).toEqual(all.rows);
      expect(granted).not.toHaveProperty('not_examined');
    },
  );

  it('counts down, from a start, in steps, by bounds of its own, and for domains', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create schema counts',
      'create domain counts.small as integer check (value > 0)',
      'create domain counts.smaller as counts.small',
      'create sequence counts.down increment -1',
      "create table counts.downwards (id integer default nextval('counts.down'))", // twice what an integer holds of it
      "select setval('counts.down', -1610612736)",
      'create sequence counts.both_signs as integer minvalue -2147483648 maxvalue 2147483647 start -2147483648',
      "select setval('counts.both_signs', 0)",
      'create sequence counts.steps maxvalue 100 increment 30', // gives 1, 31, 61, 91
      "select nextval('counts.steps'), nextval('counts.steps')",
      'create sequence counts.full maxvalue 3',
      "select setval('counts.full', 3)",
      'create sequence counts.round maxvalue 10 cycle',
      "select setval('counts.round', 10)",
      'create sequence counts.late start 1932735283', // nine tenths of an integer lie before it
      "create table counts.fed_late (id counts.smaller default nextval('counts.late'))",
      'create sequence counts.past',
      "select setval('counts.past', 3000000000)",
      'create table counts.fed_past (id integer)',
      'alter sequence counts.past owned by counts.fed_past.id',
      'create table counts.wide (id serial, other bigint)',
      'alter table counts.wide alter column id type bigint', // its sequence stays an integer
      "select setval('counts.wide_id_seq', 2147483647)",
      'create table counts."Identity" (id smallint generated by default as identity primary key)',
      `select setval('counts."Identity_id_seq"', 30000)`,
      'create table counts.refers (id smallint references counts."Identity")',
    );
    const answer = await howdah('superuser').call('sequence_exhaustion', { schema: 'counts' });
    expect(used(answer)).toEqual([
      ['past', 139.7, 'column', '2147483647', '0'],
      ['full', 100, 'sequence', '3', '0'],
      ['round', 100, 'sequence', '10', '0'],
      ['wide_id_seq', 100, 'sequence', '2147483647', '0'],
      ['Identity_id_seq', 91.56, 'both', '32767', '2767'],
      ['late', 90, 'column', '2147483647', '214748365'],
      ['down', 75, 'column', '-2147483648', '536870912'],
      ['both_signs', 50, 'sequence', '2147483647', '2147483647'],
      ['steps', 31, 'sequence', '100', '2'],
    ]);
    expect(answer.rows.find(({ sequence }) => sequence === 'late')).toMatchObject({
      column_type: 'integer',
      last_value: null,
    });
    expect(answer.rows.find(({ sequence }) => sequence === 'Identity_id_seq')).toMatchObject({
      identity: true,
      narrower_references: ['counts.refers.id'],
    });
    expect(objects(answer)).toEqual([
      'critical "counts"."past"',
      'critical "counts"."full"',
      'critical "counts"."wide_id_seq"',
      'critical "counts"."Identity_id_seq"',
      'critical "counts"."late"',
      'warning "counts"."down"',
      'notice "counts"."round"',
    ]);
  });
});

describeEachStandby('a standby', (cluster) => {
  const clone = useClone(cluster);
  const primary = useHowdah(clone);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('shows what the primary shows, for %s', async (login) => {
    for (const tool of TOOLS) {
      const input = tool.startsWith('foreign') ? { min_rows: 0 } : {};
      const here = await standby(login).call(tool, input);
      const there = await primary(login).call(tool, input);
      const facts = ({ rows }: Answer) => rows.map(({ table_writes: _, ...row }) => row);
      expect(facts(here), tool).toEqual(facts(there));
      expect(here.rows.length, tool).toBeGreaterThan(0);
    }
  });

  it('says what only the primary knows', async () => {
    const invalid = await standby('monitor').call('invalid_indexes');
    expect(invalid.findings).toMatchObject([{ severity: 'notice', object: '"indexes"."broken_a"' }]);
    expect(invalid.not_examined).toMatchObject([{ what: 'whether invalid indexes are being built right now' }]);
    const duplicates = await standby('monitor').call('duplicate_indexes');
    expect(duplicates.rows[0]).toMatchObject({ table_writes: null });
    expect(duplicates.not_examined).toMatchObject([{ remedy: 'Ask the primary, where an index would be dropped.' }]);
  });

  it('reads no unlogged sequence', async () => {
    await runAs(
      clone().superuserUrl,
      'create unlogged table sequences.unlogged (id serial)',
      `select nextval('sequences.unlogged_id_seq')`,
    );
    await caughtUp(cluster);
    const answer = await standby('superuser').call('sequence_exhaustion', { schema: 'sequences' });
    const row = answer.rows.find(({ sequence }) => sequence === 'unlogged_id_seq');
    // before 15 the sequence of an unlogged table was logged
    expect(row).toMatchObject({ unreadable: cluster.major >= 15 ? 'standby' : null });
    expect(answer.not_examined?.map(({ remedy }) => remedy)).toEqual(
      cluster.major >= 15 ? ['Ask the primary.'] : undefined,
    );
  });
});

describeEachMajor('sequences behind a lock', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('are named as such, at once', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('alter sequence sequences.wider_than_column increment 2');
      const startedAt = performance.now();
      const answer = await howdah('superuser').call('sequence_exhaustion', { schema: 'sequences' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.rows.find(({ sequence }) => sequence === 'wider_than_column')).toMatchObject({
        unreadable: 'lock',
        used_percent: null,
      });
      expect(objects(answer)).toEqual(['critical "sequences"."nearly_full_id_seq"']);
      expect(answer.not_examined).toMatchObject([{ what: 'how much of 1 sequence behind a lock is used' }]);
    });
  });

  it('are content when the advice was followed', async () => {
    const call = () => howdah('superuser').call('sequence_exhaustion', { schema: 'sequences' });
    await runAs(
      clone().superuserUrl,
      'create table sequences.identity (id integer generated always as identity)',
      `select setval('sequences.identity_id_seq', 2000000000)`,
      'create table sequences.narrow_sequence (id serial)',
      'alter table sequences.narrow_sequence alter column id type bigint',
      `select setval('sequences.narrow_sequence_id_seq', 2000000000)`,
    );
    const answer = await call();
    expect(answer.findings).toHaveLength(4);
    for (const finding of answer.findings) await follow(clone().superuserUrl, finding);
    expect((await call()).findings).toEqual([]);
  });
});
