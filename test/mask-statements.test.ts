/** Statements keep their meaning with masks in them: they answer what they would of a table that holds the masked values. */
import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA, fillWithSecrets, PATH } from './mask-fixture.ts';
import { MASK_KEY_OF_TESTS, openCaller, type Caller } from './mask-kit.ts';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';

/** The tables as they would be if the masks stood in them. */
const TWIN = `
  create schema twin;
  create table twin.users as
    select id, name, case when email is not null then '[redacted]' end as email, phone::text, null::date as born,
           '[redacted]'::text as note, null::bigint as card, null::jsonb as doc, null::text as low
      from shop.users;
  create table twin.people as select id, '[redacted]'::text as email from shop.people;
  create table twin.staff as select id, '[redacted]'::text as email, desk from shop.staff;`;

const SAME = [
  'select * from users order by id',
  'select id, email from users where id between 5 and 25 order by id',
  'select u.email, count(*) from users u group by u.email order by 1 nulls last',
  'select o.id, u.name, u.email from orders o join users u on u.id = o.user_id where o.amount > 1900 order by 1',
  'select o.id, u.phone from orders o left join users u on u.id = o.user_id and u.id < 3 order by 1 limit 5',
  'select a.id, b.id from users a join users b using (email, phone) order by 1, 2 limit 7',
  'select * from users natural join people order by 1, 2 limit 4',
  'select x, y, z from users as t (x, y, z) where x = 12',
  'select t.* from users t (x, "Y y") order by t.x limit 2',
  'select id from users where email is null order by id',
  'select id, phone from users order by phone, id limit 10',
  'select distinct email from users order by 1',
  'select count(distinct phone), count(email), count(*) from users',
  'select id, row_number() over (partition by email order by id desc) from users order by 1 limit 20',
  'with u as (select * from users), p as (table people) select p.id, u.email from p join u using (id) order by 1',
  'with recursive r as (select id, email from users where id = 1 union all select u.id, u.email from users u join r on u.id = r.id + 1 where u.id < 12) select * from r order by 1',
  'select o.id, l.phone from orders o, lateral (select phone from users where users.id = o.user_id) l order by 1 limit 3',
  'select (select string_agg(email, $$,$$) from users u where u.id <= o.id) from orders o where o.id < 5 order by o.id',
  'select u from users u where u.id = 3',
  'select to_jsonb(users) from users where id = 3',
  'select (u).phone, (u).* from users u where (u).id = 7',
  'select id from orders where user_id in (select id from users where id < 5) order by 1',
  'select shop.users.id, shop.users.email from shop.users where shop.users.id = 2',
  'table people order by 1',
  'select * from people union all select id, email from staff order by 1',
  'select u.id, p.id from ((users u left join people p on p.id = u.id)) where u.id < 4 order by 1, 2',
  'select case when u.email is null then 0 else 1 end, coalesce(u.email, u.name) from users u where id in (9, 10) order by u.id',
  `select name from users union select email from people order by 1 limit 3`,
  `select upper(email) || '!' from users where email like '[red%' order by id limit 2`,
  `select email from users group by grouping sets ((email), ()) order by 1 nulls first`,
  `select id, email from users order by id offset 3 limit 2 -- the end`,
  `select /* one */ id /* two */ from /* three */ users /* four */ as /* five */ u /* six */ where /* seven */ u.id = 1`,
];

describeSomeMajors('a statement with masks in it', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let caller: Caller;
  let url: string;
  let free: pg.Client;
  beforeAll(async () => {
    url = await fillWithSecrets(clone());
    await runSql(cluster, clone().name, TWIN);
    caller = await openCaller({ url, data: DATA, path: PATH });
    free = new pg.Client(clone().superuserUrl);
    await free.connect();
    const { rows } = await free.query<{ id: number; phone: string }>('select id, phone from twin.users');
    const hashed = rows.map(({ id, phone }) => ({ id, phone: hmac(phone) }));
    await free.query(
      'update twin.users u set phone = h.phone from json_to_recordset($1) as h (id integer, phone text) where h.id = u.id',
      [JSON.stringify(hashed)],
    );
    await free.query(`set search_path = twin, shop; set timezone = 'UTC'`);
  });
  afterAll(() => Promise.all([caller.close(), free.end()]));

  it.each(SAME)('answers the same: %s', async (sql) => {
    const heard = await caller.ask(sql);
    const text = sql.replaceAll('shop.', 'twin.');
    const types = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;
    const { rows } = await free.query<(string | null)[]>({ text, rowMode: 'array', types });
    expect(heard).toMatchObject({ verdict: 'allow', rows });
    expect(rows.length).toBeGreaterThan(0);
  });

  describe('that cannot be rewritten with certainty', () => {
    it.each([
      [
        'mask/qualified-column',
        `select shop.users.id, (select shop.users.email from early.users limit 1) from shop.users`,
      ],
      ['mask/qualified-column', `select shop.users.id, users from shop.users`],
      ['mask/qualified-column', `select shop.users.id from shop.users, (select 1 as users) x`],
      ['mask/qualified-column', `select shop.users.id from shop.users where exists (select from orders users)`],
    ])('is refused by %s: %s', async (rule, sql) => {
      expect(await caller.judge(sql)).toMatchObject({ verdict: 'deny', rule });
    });
  });

  it('is refused where the masks would make it too long', async () => {
    const tables = Array.from({ length: 120 }, (_, i) => `users u${i}`);
    expect(await caller.judge(`select 1 from ${tables.join()}`)).toMatchObject({ verdict: 'deny', rule: 'mask/size' });
  });

  it.each([
    ['select id from users', ['shop.users', 'shop.users.id']],
    ['select * from users', ['shop.users', 'shop.users.*']],
    ['select u from users u', ['shop.users', 'shop.users.*']],
    ['select to_json(users) from users', ['shop.users', 'shop.users.*']],
    ['select u.id, u.email from users as u', ['shop.users', 'shop.users.email', 'shop.users.id']],
    ['select id from granted', ['shop.granted', 'shop.granted.id', 'shop.users']],
    [
      'select "select" from "Odd Schema"."Üsers ""X"""',
      [`"Odd Schema"."Üsers ""X"""`, `"Odd Schema"."Üsers ""X""".select`],
    ],
    ['select name from pg_settings', []],
  ])('tells what it touches: %s', async (sql, touches) => {
    const verdict = await caller.judge(sql);
    expect(verdict).toMatchObject({ verdict: 'allow' });
    const told = verdict.verdict === 'allow' ? verdict.touches : undefined;
    expect(told?.filter((name) => !/shop\.users\.(name|low)$/.test(name))).toEqual(touches);
  });

  describe('that fails', () => {
    it.each([
      ['nothing', '42703', 'select /* 🐘 */ nothing from users'],
      ['nothing', '42703', 'select u.id from users u where nothing = 1'],
      ['p.nothing', '42703', 'select u.id, x from users u, people p, orders x where p.nothing = u.id'],
      ['pin', '42703', 'select pin from users'],
      ['ctid', '42703', 'select ctid from only users'],
      ['nothing', '42703', 'table users order by nothing'],
      [`'x'`, '22P02', `select 'x'::integer from users`],
      ['name', '42803', 'select id, name from users group by id'],
    ])('tells where in the text of the caller %s stands: %s in %s', async (what, sqlstate, sql) => {
      const { error } = await caller.ask(sql);
      const position = Array.from(sql.slice(0, sql.indexOf(what))).length + 1;
      expect(error?.details).toEqual({ sqlstate, position });
      expect(error?.message).not.toContain(what);
    });

    it('of a plain table tells no value either', async () => {
      const { error } = await caller.ask(
        `select name::integer from early.users, orders, people, (select 'value of a row' as name) x`,
      );
      expect(error).toMatchObject({ code: 'QUERY_FAILED', details: { sqlstate: '22P02' } });
      expect(JSON.stringify(error)).not.toContain('value of a row');
    });
  });
});

function hmac(value: string): string {
  const [inner, outer] = [MASK_KEY_OF_TESTS.slice(0, 128), MASK_KEY_OF_TESTS.slice(128)].map((block) =>
    Buffer.from(block, 'hex'),
  );
  const first = createHash('sha256')
    .update(inner as Buffer)
    .update(value)
    .digest();
  return createHash('sha256')
    .update(outer as Buffer)
    .update(first)
    .digest('hex')
    .slice(0, 32);
}
