import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf, follow, followToTheEnd, objects } from './advice.ts';

describeEachMajor('foreign_keys_without_index', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const callFor = (schema: string, input = {}) =>
    howdah('plain').call('foreign_keys_without_index', { schema, ...input });

  it.each(loginsOf(cluster))('names the keys that no index serves, and no other, for %s', async (login) => {
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
    const unknown = await callFor('we.ird');
    expect(fieldsOf(unknown, 'constraint', 'rows', 'on_delete', 'on_update')).toEqual([
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
    const answer = await callFor('we.ird', { warn_size: 90_112 });
    expect(answer.rows).toMatchObject([{ rows: 2000, size: 90_112 }, { rows: 2000 }]);
    expect(objects(answer)).toEqual(['warning "we.ird"."Order"', 'warning "we.ird"."Order"']);
    expect(objects(await callFor('we.ird', { warn_size: 90_113 }))[0]).toMatch(/^notice/);
    expect((await callFor('we.ird', { min_rows: 2001 })).rows).toEqual([]);
    expect(answer.findings[1]?.next_step).toBe('CREATE INDEX CONCURRENTLY ON "we.ird"."Order" ("a b", "c");');
    for (const finding of answer.findings) await follow(url, finding);
    expect((await callFor('we.ird')).rows).toEqual([]);
  });

  it('takes no index that only overlaps for one that finds a row, and a hash index for one column', async () => {
    await runAs(
      clone().superuserUrl,
      'create table crm.spans (span int4range primary key)',
      'create table crm.uses (span int4range references crm.spans)',
      'create index on crm.uses using gist (span)',
    );
    expect(fieldsOf(await callFor('crm', { min_rows: 0 }), 'constraint')).toEqual([['uses_span_fkey']]);
    await runAs(clone().superuserUrl, 'create index on crm.uses using hash (span)');
    expect((await callFor('crm', { min_rows: 0 })).rows).toEqual([]);
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
    const answer = await callFor('partitions', { min_rows: 0 });
    expect(answer.rows).toMatchObject([
      { table: 'refers', columns: ['parent_id'], partitions: 2, partitions_without: 1 },
    ]);
    await runAs(url, 'create index by_hand on partitions.refers_2_1 (parent_id)');
    expect((await callFor('partitions', { min_rows: 0 })).rows).toEqual([]);
    await runAs(url, 'drop index partitions.by_hand');
    for (const finding of answer.findings) await followToTheEnd(url, finding);
    expect((await callFor('partitions', { min_rows: 0 })).rows).toEqual([]);
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

  it.runIf(cluster.major >= 18)('leaves out keys that are not enforced, and those of periods', async () => {
    await runAs(
      clone().superuserUrl,
      'create table shop.lax (id integer references keys.parent not enforced)',
      'create table shop.prices (id int4range, valid int4range, primary key (id, valid without overlaps))',
      'create table shop.offers (id int4range, valid int4range, foreign key (id, period valid) references shop.prices (id, period valid))',
    );
    expect((await callFor('shop', { min_rows: 0 })).rows).toEqual([]);
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
