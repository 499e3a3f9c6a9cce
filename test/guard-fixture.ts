/** A database full of ways to reach what a statement does not name. */
import type { Major } from '../src/postgres/version.ts';

const BASE = `
  create schema app; create schema hr; create schema early; create schema "Odd Schema"; create schema planted;
  do $$ declare name text; begin
    foreach name in array array['guard_caller', 'guard_owner', 'guard_other'] loop
      if not exists (select from pg_roles where rolname = name) then
        execute 'create role ' || name || ' login password ''guard''';
      end if;
    end loop;
  end $$;
  grant usage on schema app, hr, early, "Odd Schema", planted to guard_caller, guard_owner;

  create table hr.salaries (id int primary key, person text, amount numeric);
  create table app.users (id int primary key, name text, email text, doc jsonb);
  create table app.orders (id int primary key, user_id int references app.users, amount numeric, status text);
  create table "Odd Schema"."Odd ""Table""" ("Col A" int, "select" text);
  create table app.twice (id int); create table early.twice (id int);
  create schema closed; create table closed.twice (id int);
  create table app.dropped (a int, b int); alter table app.dropped drop a;

  create function app.plain(x text) returns text language sql immutable as 'select x';
  create function app.by_check(x text) returns boolean language plpgsql immutable as 'begin return true; end';
  create function app.by_policy(x int) returns boolean language plpgsql stable as 'begin return true; end';
  create function app.by_view(x int) returns int language plpgsql stable as 'begin return x; end';
  create function app.of_row(u app.users) returns text language sql stable as 'select u.name';
  create function app.of_two(u app.users, suffix text default '') returns text language sql stable as 'select u.name || suffix';

  -- views of views
  create view app.v1 as select u.id, u.name, app.by_view(u.id) as n from app.users u;
  create view app.v2 with (security_barrier) as select v.*, o.amount from app.v1 v join app.orders o on o.user_id = v.id;
  create view app.v3 as with w as (select * from app.v2) select count(*) as n from w;
  create view app.v_salaries as select s.id, s.person from hr.salaries s where s.amount > 10;
  create view app.v_roles as select rolname from pg_authid;
  create view app.v_stats as select tablename, most_common_vals::text from pg_stats;
  create materialized view app.mv as select id, app.by_view(id) as n from app.users;
  create materialized view app.mv_salaries as select id, amount from hr.salaries;
  create recursive view app.v_rec (n) as select 1 union all select n + 1 from v_rec where n < 3;

  -- policies
  create table app.secured (id int, owner text);
  alter table app.secured enable row level security;
  create policy mine on app.secured for select using (app.by_policy(id) and owner in (select person from hr.salaries));
  create policy others on app.secured for select to guard_other using (app.by_view(id) > 0);
  create policy writes on app.secured for insert with check (app.by_check(owner));
  create view app.v_secured as select * from app.secured;
  alter view app.v_secured owner to guard_owner;

  -- domains, composites, ranges, arrays
  create domain app.checked as text check (app.by_check(value));
  create domain app.narrow as app.checked check (length(value) < 10);
  create type app.pair as (a app.narrow, b int);
  create type app.mood as enum ('good', 'bad');
  create type app.span as range (subtype = float8, subtype_diff = float8mi);
  create table app.typed (id int, one app.pair, many app.checked[], mood app.mood, span app.span);
  create table app.computed (id int, name text, low text generated always as (lower(name)) stored, dear text default app.plain('x'));

  -- inheritance
  create table app.parent (id int, email text); create table app.child (more text) inherits (app.parent);
  create table app.grandchild () inherits (app.child); create table app.other_parent (id int);
  create table app.two_parents () inherits (app.parent, app.other_parent);
  create table app.parts (id int, region text, day date) partition by list (region);
  create table app.parts_a partition of app.parts for values in ('a') partition by range (day);
  create table app.parts_a_2024 partition of app.parts_a for values from ('2024-01-01') to ('2025-01-01') partition by list (id);
  create table app.parts_a_2024_1 partition of app.parts_a_2024 for values in (1);
  create table app.parts_b partition of app.parts for values in ('b');

  -- rules, sequences, temporary names
  create table app.ruled (id int); create table app.log (id int);
  create rule logged as on insert to app.ruled do also insert into app.log values (new.id);
  create sequence app.counter;
  create index users_name on app.users (name);

  -- planted overloads, operators and casts
  create function planted.lower(varchar) returns text language sql immutable as 'select $1::text';
  create function planted.now() returns timestamptz language plpgsql as 'begin perform 1; return clock_timestamp(); end';
  create function planted.same(text, text) returns boolean language plpgsql immutable as 'begin return true; end';
  create operator planted.= (leftarg = text, rightarg = text, function = planted.same);
  create function planted.negated(text) returns text language plpgsql immutable as 'begin return $1; end';
  create operator planted.- (rightarg = text, function = planted.negated);
  create view app.v_planted as select u.id from app.users u join app.orders o on u.name operator(planted.=) o.status;
  create view app.v_using as select a.name from (select name from app.users) a join (select status as name from app.orders) b using (name);
  create function planted.to_text(app.mood) returns text language plpgsql immutable as 'begin return null; end';
  create cast (app.mood as text) with function planted.to_text(app.mood) as assignment;

  grant select on all tables in schema app, hr, early, "Odd Schema" to guard_caller, guard_owner;
`;

/** Foreign tables: a wrapper for files and one for servers, which no statement of the tests reaches. */
const FOREIGN = `
  create extension file_fdw; create extension postgres_fdw;
  create server files foreign data wrapper file_fdw;
  create server remote foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
  create foreign table app.ft_file (line text) server files options (filename '/dev/null');
  create foreign table app.ft_program (line text) server files options (program 'echo 1');
  create foreign table app.ft_remote (id int, region text, day date) server remote;
  create foreign table app.parts_c partition of app.parts for values in ('c') server remote;
  create view app.v_foreign as select * from app.ft_remote;
  create view app.v_program as select * from app.ft_program;
  grant select on all tables in schema app to guard_caller, guard_owner;
`;

const SINCE: Readonly<Record<number, string>> = {
  15: `
    create view app.v_invoker with (security_invoker) as select * from app.secured;
    alter view app.v_invoker owner to guard_owner;`,
  18: `
    create table app.virtual (id int, name text, low text generated always as (lower(name)) virtual);`,
};

/** Of a login that may read and nothing else. */
export function callerUrl({ superuserUrl }: { readonly superuserUrl: string }): string {
  const url = new URL(superuserUrl);
  url.username = 'guard_caller';
  url.password = 'guard';
  return url.href;
}

export function guardFixture(major: Major): string {
  const newer = Object.entries(SINCE).filter(([since]) => Number(since) <= major);
  return [BASE, FOREIGN, ...newer.map(([, text]) => text)].join('\n');
}
