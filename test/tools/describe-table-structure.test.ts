import { beforeAll, expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

describeEachMajor('the structure of a table', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  beforeAll(() =>
    runAs(
      clone().superuserUrl,
      'create schema one',
      'create schema two',
      'create table one.target (id integer primary key)',
      `create table one.things (
         z integer not null, a varchar(20) default 'x' not null, "M m" bigint generated always as identity,
         n numeric(8, 3), f double precision, target_id integer references one.target,
         twice integer generated always as (z * 2) stored,
         constraint things_pkey primary key (z, a), constraint large check (z > 10))`,
      'create index things_n on one.things (n)',
      `comment on column one.things.n is 'net'`,
      // as like as can be, elsewhere
      'create table two.target (id integer primary key)',
      'create table two.things (z integer not null, other text, target_id integer references one.target)',
      'create index things_n on two.things (other)',
    ),
  );

  it.each(loginsOf(cluster))(
    'is that of the table that is meant, and of no other of its name, for %s',
    async (login) => {
      const answer = await howdah(login).call('describe_table', { table: 'things', schema: 'one' });
      expect(
        listOf(answer, 'columns').map(({ column, type, nullable, comment }) => [column, type, nullable, comment]),
      ).toEqual([
        ['z', 'integer', false, null],
        ['a', 'character varying(20)', false, null],
        ['M m', 'bigint', false, null],
        ['n', 'numeric(8,3)', true, 'net'],
        ['f', 'double precision', true, null],
        ['target_id', 'integer', true, null],
        ['twice', 'integer', true, null],
      ]);
      expect(listOf(answer, 'indexes').map(({ index }) => index)).toEqual(['things_pkey', 'things_n']);
      const other = await howdah(login).call('describe_table', { table: 'two.things' });
      expect(listOf(other, 'columns').map(({ column }) => column)).toEqual(['z', 'other', 'target_id']);
      expect(listOf(other, 'indexes').map(({ index }) => index)).toEqual(['things_n']);
      expect(listOf(other, 'references')).toMatchObject([{ schema: 'one', table: 'target', columns: ['target_id'] }]);
    },
  );

  it('has defaults, identity, generation and checks, and no NOT NULL among the checks', async () => {
    const answer = await howdah('plain').call('describe_table', { table: 'one.things' });
    const column = (name: string) => listOf(answer, 'columns').find((row) => row['column'] === name);
    expect(column('a')).toMatchObject({ default: "'x'::character varying", identity: null, generated: null });
    expect(column('M m')).toMatchObject({ default: null, identity: 'always', generated: null });
    expect(column('twice')).toMatchObject({ default: null, generated: 'stored', generated_as: '(z * 2)' });
    expect(
      listOf(answer, 'constraints').map(({ constraint, type, definition }) => [constraint, type, definition]),
    ).toEqual([
      ['things_pkey', 'primary key', 'PRIMARY KEY (z, a)'],
      ['large', 'check', 'CHECK ((z > 10))'],
    ]);
  });

  it.runIf(cluster.major >= 18)('tells columns that are generated when they are read', async () => {
    await runAs(
      clone().superuserUrl,
      'alter table one.things add column thrice integer generated always as (z * 3) virtual',
    );
    const answer = await howdah('plain').call('describe_table', { table: 'one.things' });
    expect(listOf(answer, 'columns').at(-1)).toMatchObject({
      column: 'thrice',
      generated: 'virtual',
      generated_as: '(z * 3)',
    });
  });

  it.each(loginsOf(cluster))('is listed for every table of a schema where none is named, for %s', async (login) => {
    const answer = await howdah(login).call('describe_table', { schema: 'shop' });
    expect(listOf(answer, 'tables').map(({ table, kind, column_count }) => [table, kind, column_count])).toEqual([
      ['Order', 'table', 9],
      ['customers', 'table', 5],
      ['order_lines', 'table', 4],
      ['paid_orders', 'view', 3],
      ['revenue', 'materialized_view', 3],
    ]);
    expect(listOf(answer, 'tables')[2]?.['columns']).toEqual([
      'order_id bigint*',
      'line_no integer*',
      'product text!',
      'quantity integer!',
    ]);
    expect(listOf(answer, 'tables')[0]?.['columns']).toContain('"Placed at" timestamp with time zone!');
    expect(answer).toMatchObject({ total_tables: 5, findings: [] });
    expect(answer).not.toHaveProperty('relation');
    const everywhere = await howdah(login).call('describe_table', { limit: 3 });
    expect(listOf(everywhere, 'tables').map(({ table }) => table)).toEqual(['mostly_dead', 'accounts', 'shipments']);
    expect(Number(everywhere['total_tables'])).toBeGreaterThan(25);
  });

  it('is listed at once while a table is locked, with an estimate of its size', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table shop."Order" in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('describe_table', { schema: 'shop' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(listOf(answer, 'tables')[0]).toMatchObject({ table: 'Order', size_estimated: true, column_count: 9 });
      expect(answer.not_examined).toEqual([expect.objectContaining({ what: 'the exact size of "shop"."Order"' })]);
    });
  });

  it('answers to get_table_schema_info, with a table and without', async () => {
    const database = { database_name: clone().name };
    const one = await howdah('monitor').call('get_table_schema_info', {
      ...database,
      table_name: 'Order',
      schema_name: 'shop',
    });
    expect(one['relation']).toMatchObject({ table: 'Order', rows: 4000 });
    const all = await howdah('monitor').call('get_table_schema_info', { ...database, schema_name: 'crm' });
    expect(listOf(all, 'tables')).toMatchObject([
      {
        schema: 'crm',
        table: 'accounts',
        size: 24_576,
        columns: ['id integer*', 'customer_id integer', 'owner text!'],
      },
      { schema: 'crm', table: 'shipments' },
    ]);
  });
});
