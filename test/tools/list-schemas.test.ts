import { beforeAll, expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';

function rowOf({ rows }: Answer, schema: string): Row {
  return rows.find((row) => row['schema'] === schema) ?? {};
}

function objectsOf(answer: Answer): unknown[][] {
  return (answer['objects'] as readonly Row[]).map(({ kind, name, size }) => [kind, name, size]);
}

describeEachMajor('list_schemas', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  beforeAll(() =>
    runAs(
      clone().superuserUrl,
      'create type shop.address as (street text)',
      'create type shop.span as range (subtype = float8)',
      `comment on schema pgboss is 'of the queue, password=plantedsecret'`,
    ),
  );

  it.each(loginsOf(cluster))(
    'counts what a schema has, without partitions and what extensions brought, for %s',
    async (login) => {
      const answer = await howdah(login).call('list_schemas');
      expect(rowOf(answer, 'shop')).toMatchObject({
        owner: 'postgres',
        tables: 3,
        partitioned_tables: 0,
        views: 1,
        materialized_views: 1,
        foreign_tables: 0,
        sequences: 2,
        functions: 4,
        types: 4,
        extensions: [],
        comment: 'Orders and who placed them',
      });
      expect(rowOf(answer, 'partitions')).toMatchObject({ tables: 0, partitioned_tables: 1 });
      expect(rowOf(answer, 'public')).toMatchObject({
        views: 0,
        functions: 0,
        extensions: ['pg_stat_statements'],
        public_may: cluster.major >= 15 ? ['USAGE'] : ['CREATE', 'USAGE'],
      });
      expect(answer).toMatchObject({ total: 13, truncated: false, findings: [] });
      expect(JSON.stringify(answer)).not.toContain('plantedsecret');
    },
  );

  it.each(loginsOf(cluster))(
    'lists schemas whose names are easily lost, and those that %s may not use',
    async (login) => {
      const answer = await howdah(login).call('list_schemas');
      const names = answer.rows.map(({ schema }) => schema);
      expect(names).toEqual(expect.arrayContaining(['pgboss', 'we.ird', 'hidden']));
      expect(names.filter((name) => /^(pg_|information_schema)/.test(String(name)))).toEqual([]);
      expect(rowOf(answer, 'hidden')).toMatchObject({ tables: 1, usage: login === 'superuser' });
      expect(rowOf(answer, 'shop')).toMatchObject({ usage: login !== 'monitor' });
    },
  );

  it('measures a schema as PostgreSQL measures its tables', async () => {
    const [expected] = await runAs(
      clone().superuserUrl,
      `select sum(pg_total_relation_size(oid))::float8 as size from pg_class
        where relnamespace = 'indexes'::regnamespace and relkind = 'r'`,
    );
    const answer = await howdah('plain').call('list_schemas');
    expect(rowOf(answer, 'indexes')).toMatchObject({ ...expected, size_estimated: false });
  });

  it('answers at once while a table is locked, and says where the size is an estimate', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table shop."Order" in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('list_schemas', { schema: 'shop' });
      const all = await howdah('plain').call('list_schemas');
      expect(performance.now() - startedAt).toBeLessThan(2000);
      expect(Number(rowOf(all, 'shop')['size'])).toBeGreaterThan(500_000);
      expect(rowOf(all, 'shop')).toMatchObject({ size_estimated: true });
      expect(rowOf(all, 'indexes')).toMatchObject({ size_estimated: false });
      const estimated = (answer['objects'] as readonly Row[]).filter(({ size_estimated }) => size_estimated);
      expect(estimated.map(({ name }) => name)).toEqual(['Order']);
    });
  });

  it.each(loginsOf(cluster))('lists the objects of one schema, the largest first, for %s', async (login) => {
    const answer = await howdah(login).call('list_schemas', { schema: 'shop' });
    expect(answer.rows).toHaveLength(1);
    expect(objectsOf(answer)).toEqual([
      ['table', 'order_lines', expect.any(Number)],
      ['table', 'Order', expect.any(Number)],
      ['table', 'customers', expect.any(Number)],
      ['materialized_view', 'revenue', expect.any(Number)],
      ['sequence', 'Order_id_seq', null],
      ['sequence', 'customers_id_seq', null],
      ['view', 'paid_orders', null],
      ['function', 'order_total(order_id bigint)', null],
      ['function', 'order_total(customer_id integer)', null],
      ['function', 'touch()', null],
      ['procedure', 'nothing()', null],
      ['composite_type', 'address', null],
      ['domain', 'email_address', null],
      ['enum', 'order_status', null],
      ['range', 'span', null],
    ]);
    expect(answer).toMatchObject({ total: 1, total_objects: 15 });
    const cut = await howdah(login).call('list_schemas', { schema: 'shop', limit: 2 });
    expect(cut['objects']).toHaveLength(2);
    expect(cut).toMatchObject({ total_objects: 15 });
  });

  it('counts partitions in their parent, and leaves out what extensions brought', async () => {
    expect(objectsOf(await howdah('plain').call('list_schemas', { schema: 'partitions' }))).toEqual([
      ['partitioned_table', 'measurements', 3 * 40_960],
    ]);
    expect(await howdah('plain').call('list_schemas', { schema: 'public' })).toMatchObject({
      objects: [],
      total_objects: 0,
    });
  });

  it('finds schemas, and objects of a schema, by a part of their names', async () => {
    const schemas = await howdah('plain').call('list_schemas', { name: 'p*' });
    expect(schemas.rows.map(({ schema }) => schema)).toEqual(['partitions', 'pgboss', 'public']);
    const objects = await howdah('plain').call('list_schemas', { schema: 'shop', name: 'order' });
    expect(objectsOf(objects).map(([, name]) => name)).toEqual(
      expect.arrayContaining(['Order', 'order_lines', 'order_total(order_id bigint)', 'order_status']),
    );
    expect(objects).toMatchObject({ rows: [{ schema: 'shop' }], total_objects: 7 });
  });

  it('names the nearest where there is no such schema', async () => {
    const outcome = await howdah('plain').attempt('list_schemas', { schema: 'Shops' });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'NOT_FOUND', hint: 'Did you mean "shop"?' } });
  });

  it('answers to get_database_schema_info, with and without a schema', async () => {
    const all = await howdah('monitor').call('get_database_schema_info', { database_name: clone().name });
    expect(all.rows).toHaveLength(13);
    expect(all).not.toHaveProperty('objects');
    const one = await howdah('monitor').call('get_database_schema_info', {
      database_name: clone().name,
      schema_name: 'we.ird',
    });
    expect(one).toMatchObject({
      rows: [{ schema: 'we.ird', owner: 'postgres', tables: 1 }],
      objects: [{ kind: 'table', name: 'Mixed Case', owner: 'postgres' }],
    });
  });
});
