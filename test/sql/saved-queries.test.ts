import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/schema.ts';
import { checkPlatform } from '../../src/check-platform.ts';
import { tools } from '../../src/tools/all-tools.ts';
import { answerOf, errorOf, makeReader, openCallersHowdah, type CallersHowdah, type Reader } from '../callers-kit.ts';
import { useClone } from '../postgres/clone.ts';
import { newestCluster } from '../postgres/each-major.ts';
import { localPrincipal } from '../../src/identity/local-principal.ts';

const ORDERS = {
  description: 'Orders of one customer.',
  sql: 'select id, gross from shop."Order" where customer_id = $1 and status::text = coalesce($2, status::text) order by id',
  parameters: [
    { name: 'customer', type: 'integer', description: 'Its id.' },
    { name: 'status', type: 'text', default: null, nullable: true },
  ],
};

const configWith = (queries: Readonly<Record<string, unknown>>) =>
  Config.parse({ servers: { shop: { url: 'postgresql://monitor@db/shop' } }, queries });

describe('a saved query', () => {
  it.each([
    ['query', { ...ORDERS }, /queries\.query has the name of another tool/],
    ['get_table_list', { ...ORDERS }, /has the name of another tool/],
    ['q', { ...ORDERS, sql: 'delete from shop.orders' }, /queries\.q\.sql is refused \(statement\/kind\)/],
    ['q', { ...ORDERS, sql: 'select pg_sleep($1), $2' }, /queries\.q\.sql is refused \(function\/not-allowed\)/],
    ['q', { ...ORDERS, sql: 'select $1' }, /queries\.q\.parameters has 2, and the statement uses 1/],
    ['q', { ...ORDERS, server: 'shpo' }, /queries\.q\.server names no server/],
    [
      'q',
      {
        ...ORDERS,
        parameters: [
          { name: 'limit', type: 'integer' },
          { name: 'a', type: 'intger' },
        ],
      },
      /parameters\[0\]\.name is an input that every tool has[\s\S]*parameters\[1\]\.type is no built-in type/,
    ],
  ])('%s is refused by the check of the configuration: %j', async (name, query, message) => {
    await expect(checkPlatform({ config: configWith({ [name]: query }), env: {} })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

describe('saved queries', () => {
  const clone = useClone(newestCluster());
  let howdah: CallersHowdah;
  let reader: Reader;
  const configured = (queries: Readonly<Record<string, unknown>>) => ({
    servers: { shop: { url: clone().monitorUrl, logins: { reader } } },
    personas: {
      asker: { tools: { allow: ['*'] }, login: 'reader' },
      other: { tools: { allow: ['*'], deny: ['area:sql'] }, login: 'reader' },
    },
    queries,
  });
  beforeAll(async () => {
    reader = await makeReader(
      clone().superuserUrl,
      'grant usage on schema shop',
      'grant select on all tables in schema shop',
    );
    howdah = await openCallersHowdah({
      url: clone().monitorUrl,
      guard: 'own',
      config: configured({ orders_of: ORDERS }),
    });
  });
  afterAll(() => howdah.close());
  const load = (queries: Readonly<Record<string, unknown>>) => () =>
    Promise.resolve({ config: Config.parse(configured(queries)), warnings: [], source: 'test' });
  const asOther = { principal: localPrincipal('other', 'tester') };

  it('is a tool with typed inputs', async () => {
    const answer = answerOf(await howdah.call('orders_of', { customer: 8 }));
    expect(answer).toMatchObject({
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'gross', type: 'numeric(12,2)' },
      ],
      total: 4,
    });
    expect(answerOf(await howdah.call('orders_of', { customer: 8, status: 'new' }))).toMatchObject({
      total: expect.any(Number),
    });
    expect(errorOf(await howdah.call('orders_of', { customer: 'eight' }))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(errorOf(await howdah.call('orders_of', {}))).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is not there for one who may not call it, in the same words as what was never there', async () => {
    const hidden = errorOf(await howdah.call('orders_of', { customer: 8 }, asOther));
    const absent = errorOf(await howdah.call('orders_by', { customer: 8 }, asOther));
    expect(hidden.toJSON()).toEqual(JSON.parse(JSON.stringify(absent).replace('orders_by', 'orders_of')));
    expect(errorOf(await howdah.call('orders_off', {}, asOther)).hint).not.toContain('orders_of');
    const listed = answerOf(await howdah.call('tools/list', {}, asOther));
    expect(JSON.stringify(listed)).not.toContain('orders_of');
    // the tools of the area, and nothing else
    const denied = tools.filter(({ area }) => area === 'sql').length;
    expect(listed).toMatchObject({ _meta: { 'howdah/withheld': denied } });
    expect(JSON.stringify(answerOf(await howdah.call('tools/list')))).toContain('orders_of');
    const named = errorOf(await howdah.call('diagnose', { diagnostic: 'orders_of' }, asOther));
    const other = errorOf(await howdah.call('diagnose', { diagnostic: 'orders_by' }, asOther));
    expect(named.message).toBe(other.message.replace('orders_by', 'orders_of'));
  });

  it('comes and goes as the configuration is read again', async () => {
    const late = { description: 'Paid.', sql: 'select count(*) from shop.paid_orders', server: 'shop' };
    const changes = await howdah.platform.reload(load({ late_ones: late }));
    expect(changes).toMatchObject({ live: expect.arrayContaining(['queries.late_ones', 'queries.orders_of']) });
    expect(answerOf(await howdah.call('late_ones'))).toMatchObject({ rows: [['2000']] });
    expect(errorOf(await howdah.call('late_ones', { server: 'other' }))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(errorOf(await howdah.call('orders_of', { customer: 8 }))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await howdah.platform.reload(load({ late_ones: { ...late, sql: 'drop table x' } }))).toBeUndefined();
    expect(answerOf(await howdah.call('late_ones'))).toMatchObject({ rows: [['2000']] });
  });
});
