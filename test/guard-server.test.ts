/** What the guard makes of a real catalogue: overloads, operators, casts, views, policies and rows as functions. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataAccess } from '../src/guard/access.ts';
import { createGuard } from '../src/guard/create-guard.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { openStatementTexts } from '../src/sqltext/statement-texts.ts';
import { callerUrl, guardFixture } from './guard-fixture.ts';
import { SEES_ALL } from './guard-kit.ts';
import cases from './sql-guard-cases.json' with { type: 'json' };
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { inSession, targetOf } from './session-kit.ts';

const MORE = `
  create extension pg_trgm schema ext; create extension hstore schema ext;
  create function planted.pg_sleepy(float8) returns text language sql as 'select null::text';
  create function planted.any_row(anyelement) returns text language sql as 'select null::text';
  create function app.by_type(app.mood) returns boolean language plpgsql as 'begin return true; end';
  create domain planted.moody as app.mood check (app.by_type(value));
  create function ext.similarity(text, text, int default 1) returns float4 language sql as 'select 1::float4';
  create function planted.json_value(text, text) returns text language sql as 'select $1';
  grant usage on schema ext to guard_caller;
  create table app.metrics (pg_sleepy int, any_row int);
  create table app.with_check (mood planted.moody);
  create view app.v_sleep as select pg_sleep(0) as s;
  create view app.v_type as select id, name::app.checked as c from app.users;
  grant select on all tables in schema app to guard_caller;
`;

describeSomeMajors('the guard with a server', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const texts = openStatementTexts();
  const guard = createGuard(texts);
  let pool: Pool;
  beforeAll(async () => {
    await runSql(cluster, clone().name, guardFixture(cluster.major));
    await runSql(cluster, clone().name, MORE);
    pool = openPool(targetOf(callerUrl(clone())), { permits: createPermits(1) });
  });
  afterAll(() => Promise.all([pool.close(), texts.close()]));

  const granting = (...names: string[]): DataAccess => ({
    ...SEES_ALL,
    grantsFunction: (schema, name) => names.includes(`${schema}.${name}`),
  });
  let checks = 0;
  const ruleOf = async (sql: string, path: readonly string[] = ['pg_catalog', 'app'], access = SEES_ALL) => {
    const verdict = await inSession(pool, (session) =>
      guard.check({ sql, access, catalog: { session, path, key: `${++checks}` } }),
    );
    return verdict.verdict === 'allow' ? 'allow' : verdict.rule;
  };
  const PLANTED = ['pg_catalog', 'app', 'planted'];

  it.each([
    ['select lower(name) from users', 'function/not-granted'],
    ['select pg_catalog.lower(name) from users', 'allow'],
    ['select now()', 'function/not-granted'],
    ['select upper(name) from users', 'allow'],
    ["select name = 'x' from users", 'operator/not-granted'],
    ["select name operator(pg_catalog.=) 'x' from users", 'allow'],
    ["select name in ('x') from users", 'operator/not-granted'],
    ['select - id from users', 'operator/not-granted'],
    ['select a.id from users a join orders b using (id)', 'operator/not-granted'],
    ['select id from users natural join orders', 'operator/not-granted'],
    ['select case name when null then 1 end from users', 'operator/not-granted'],
    ['select nullif(name, name) from users', 'operator/not-granted'],
    ['select name is distinct from name from users', 'operator/not-granted'],
    ['select name = any (select name from users) from users', 'operator/not-granted'],
    ['select name in (select name from users) from users', 'operator/not-granted'],
  ])('SQ-11: judges every overload on the path: %s', async (sql, expected) => {
    expect(await ruleOf(sql, PLANTED)).toBe(expected);
    if (expected !== 'allow') expect(await ruleOf(sql), 'without the planted schema').toBe('allow');
  });

  it('lets a granted function pass, and no other of its name', async () => {
    const sql = 'select plain(name) from users';
    expect(await ruleOf(sql)).toBe('function/not-granted');
    expect(await ruleOf(sql, undefined, granting('app.plain'))).toBe('allow');
    expect(await ruleOf(sql, undefined, granting('planted.plain'))).toBe('function/not-granted');
  });

  it.each([
    ['select u.of_row from users u', 'attribute/function'],
    ['select (u).of_row from users u', 'attribute/function'],
    ['select users.of_two from users', 'attribute/function'],
    ['select of_row(u) from users u', 'function/not-granted'],
    ['select u.name from users u', 'allow'],
    ["select (jsonb_populate_record(null::users, '{}')).of_row", 'attribute/function'],
    ['select u.nothing_of_that_name from users u', 'allow'],
  ])('takes the notation u.f for the call that it may be: %s', async (sql, expected) => {
    expect(await ruleOf(sql)).toBe(expected);
  });

  it.each([
    ['select m.pg_sleepy, m.any_row from metrics m', 'allow'],
    ['select u.any_row from users u', 'attribute/function'],
    ['select u.pg_sleepy from generate_series(1, 2) u', 'attribute/function'],
    ['select m.any_row from metrics m, (select 1) x, lateral (select 1 as any_row) y', 'allow'],
    ['select m.any_row from metrics m where exists (select 1 from users m where m.any_row is null)', 'attribute/function'],
  ])('takes a column for a column where every relation of that name has it: %s', async (sql, expected) => {
    expect(await ruleOf(sql, PLANTED)).toBe(expected);
  });

  it.each([
    ['select * from v1', 'function/not-granted'],
    ['select * from v3', 'function/not-granted'],
    ['select * from v_sleep', 'function/not-allowed'],
    ['select * from secured', 'function/not-granted'],
    ['select * from typed', 'function/not-granted'],
    ['select * from v_type', 'function/not-granted'],
    ["select 'x'::app.checked", 'function/not-granted'],
    ["select app.checked('x')", 'function/not-granted'],
    ["select 'good'::planted.moody", 'function/not-granted'],
    ["select null::app.pair", 'function/not-granted'],
    ["select * from jsonb_to_recordset('[]') as r (a app.checked)", 'function/not-granted'],
    ["select 'good'::app.mood", 'function/not-granted'],
    ['select id from v_planted', 'operator/not-granted'],
    ['select * from v_roles', 'relation/credentials'],
    ['select * from parent', 'allow'],
    ['select * from v_using', 'allow'],
  ])('judges what is reached as if it were written: %s', async (sql, expected) => {
    expect(await ruleOf(sql)).toBe(expected);
  });

  it('knows functions and operators of trusted extensions, by whoever made them', async () => {
    const path = ['pg_catalog', 'app', 'ext'];
    expect(await ruleOf("select name % 'alise' from users order by name <-> 'alise'", path)).toBe('allow');
    expect(await ruleOf("select ext.word_similarity('a', name) from users", path)).toBe('allow');
    expect(await ruleOf("select 'a=>1'::ext.hstore -> 'a'", path)).toBe('allow');
    expect(await ruleOf("select ext.similarity('a', name) from users", path), 'an overload of users').toBe(
      'function/not-granted',
    );
    expect(await ruleOf("select ext.set_limit(0.1)", path)).toBe('function/not-allowed');
  });

  it('trusts no function that was added to a trusted extension', async () => {
    await runSql(cluster, clone().name, `
      create function ext.strict_word_similarity(text) returns text language sql as 'select $1';
      alter extension pg_trgm add function ext.strict_word_similarity(text)`);
    expect(await ruleOf("select ext.strict_word_similarity('a', 'b')")).toBe('function/not-granted');
  });

  it('judges what an older server does not know as a call of that name', async () => {
    const rule = await ruleOf(`select json_value('{"a":1}', '$.a')`, PLANTED);
    expect(rule).toBe(cluster.major < 17 ? 'function/not-granted' : 'allow');
    if (cluster.major < 17) expect(await ruleOf(`select json_value('{"a":1}', '$.a')`)).toBe('function/unknown');
  });

  it('refuses functions, operators and types that are not there', async () => {
    expect(await ruleOf('select nothing(1)')).toBe('function/unknown');
    expect(await ruleOf('select 1 operator(app.+) 1')).toBe('operator/unknown');
    expect(await ruleOf('select 1::nothing')).toBe('type/unknown');
  });

  describe('on the cases whose verdict is known', () => {
    const TABLES = `
      create schema cases;
      create table cases.users (id int primary key, name text, tenant_id int, email text, parent_id int);
      create table cases.orders (id int, user_id int, amount numeric, status text, created_at timestamptz, updated_at text, deleted_at text, created_by text);
      create table cases.tree (id int, parent_id int); create table cases.docs (doc jsonb);
      create table cases.audit_log ("update" text, "delete" text, action text);
      create table cases.reviews (comment text, reason text); create table cases.metrics (pg_sleep_calls int, dblink int);
      create view cases.v_users as select * from cases.users;
      grant usage on schema cases to guard_caller; grant select on all tables in schema cases to guard_caller`;
    beforeAll(() => runSql(cluster, clone().name, TABLES));

    it.each(cases.filter(({ sql, min_pg = 0 }) => min_pg <= cluster.major && !sql.includes('<=>')))(
      '$expect: $sql',
      async ({ sql, expect: expected }) => {
        const rule = await ruleOf(sql, ['pg_catalog', 'cases', 'app', 'ext'].slice(0, sql.includes('similarity(') ? 3 : 4));
        if (sql.includes('similarity(')) return expect(rule).not.toBe('allow'); // an overload was planted
        expect(rule === 'allow' ? 'allow' : 'deny', rule).toBe(expected);
      },
    );
  });
});
