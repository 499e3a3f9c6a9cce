/** A database full of secrets, and a persona that may see none of them. */
import { makeReader } from './callers-kit.ts';
import type { Clone } from './postgres/clone.ts';
import { runAs } from './postgres/platform.ts';

/** Whatever a caller gets must have none of these in it. */
export const SECRETS = /topsecret|0174|4711|1987|Zanzibar|s3cr3t|hidden-tip|west-coast|Blofeld/gi;

export const DATA = {
  deny: ['shop.users.pin', 'hr.*', 'shop.parts.owner', '*.no_such_thing'],
  mask: {
    'shop.users.email': 'redact',
    'shop.users.phone': 'hash',
    'shop.users.born': 'null',
    'shop.users.note': 'redact',
    'shop.users.card': 'null',
    'shop.users.doc': 'redact',
    'shop.parts.zone': 'hash',
    'shop.people.email': 'redact',
    'shop.logged_too.at': 'null',
    'shop.leaf.tip': 'null',
    'shop.virtual.email': 'redact',
    'shop.granted.email': 'hash',
    '"Odd Schema"."Üsers ""X"""."E Mail"': 'redact',
  },
  allow: ['shop.granted'],
};

export const PATH = ['pg_catalog', 'shop', 'early'];

const FIXTURE = `
  create schema shop; create schema early; create schema hr; create schema "Odd Schema";
  create domain shop.address as text check (value like '%@%');
  create table shop.users (
    id integer primary key, name text, email text unique, phone varchar(20), born date, note shop.address,
    card bigint, doc jsonb, pin text,
    low text generated always as (lower(email)) stored
  );
  insert into shop.users (id, name, email, phone, born, note, card, doc, pin)
  select g, 'user ' || g, case when g % 10 = 0 then null else 'topsecret' || g || '@example.com' end, '0174-' || g,
         '1987-01-01'::date + g, 's3cr3t@' || g, 4711000000000000 + g, jsonb_build_object('city', 'Zanzibar ' || g),
         'pin-4711-' || g
    from generate_series(1, 200) g;
  create statistics shop.users_stats (dependencies, ndistinct) on email, phone from shop.users;
  create index users_low on shop.users (left(email, 3));
  create view shop.user_view as select id, email from shop.users;
  create view shop.granted as select id, email, phone as telephone from shop.users where id < 3;
  create materialized view shop.user_mat as select id, email from shop.users;
  create table shop.orders (id integer primary key, user_id integer references shop.users, amount numeric);
  insert into shop.orders select g, g, g * 10 from generate_series(1, 200) g;

  create table shop.parts (id integer, zone text, owner text) partition by list (zone);
  create table shop.parts_w partition of shop.parts for values in ('west-coast');
  create table shop.parts_z partition of shop.parts for values in ('Zanzibar') partition by list (id);
  create table shop.parts_z1 partition of shop.parts_z for values in (1);
  insert into shop.parts values (1, 'west-coast', 'Blofeld'), (1, 'Zanzibar', 'Blofeld');

  create table shop.people (id integer, email text);
  create table shop.staff (desk integer) inherits (shop.people);
  insert into shop.people values (1, 'topsecret1@example.com');
  insert into shop.staff values (2, 'topsecret2@example.com', 7);
  create table shop.base (id integer, tip text);
  create table shop.leaf (more integer) inherits (shop.base);
  insert into shop.leaf values (1, 'hidden-tip', 2);

  create table hr.salaries (id integer, amount integer);
  insert into hr.salaries values (1, 4711);
  create table early.users (id integer, email text);
  insert into early.users values (1, 'public@example.com');
  create table "Odd Schema"."Üsers ""X""" (id integer, "E Mail" text, "select" text);
  insert into "Odd Schema"."Üsers ""X""" values (1, 'topsecret@x', 'shown');

  create table shop.virtual (id integer, email text, up text generated always as (upper(email)) /* kind */);
  insert into shop.virtual values (1, 'topsecret@example.com');
  create domain shop.place as regclass;
  create table shop.logged (id integer, at regclass, by shop.place, many regclass[]);
  create table shop.logged_too (id integer, at regclass);
  insert into shop.logged_too values (1, 'shop.orders');
  insert into shop.logged values (1, 'shop.orders', 'shop.orders', '{shop.orders}');
  create view shop.logged_view as select id, at from shop.logged;
  create function shop.peek(u shop.users) returns text language sql stable as 'select u.email';
  grant usage on schema shop, early, hr, "Odd Schema" to masks_caller;
  grant select on all tables in schema shop, early, hr, "Odd Schema" to masks_caller;
  grant insert on shop.orders to masks_caller;
  analyze;`;

/** Gives the URL of the worst of logins for it: one that may read everything. */
export async function fillWithSecrets(database: Clone): Promise<string> {
  const reader = await makeReader(database.superuserUrl);
  const [{ major = '' } = {}] = await runAs(
    database.superuserUrl,
    `select split_part(current_setting('server_version'), '.', 1)::integer as major`,
  );
  const kind = Number(major) >= 18 ? 'virtual' : 'stored';
  const text = FIXTURE.replaceAll('masks_caller', reader.user).replace('/* kind */', kind);
  await runAs(database.superuserUrl, text);
  const url = new URL(database.superuserUrl);
  url.username = reader.user;
  url.password = reader.password;
  return url.href;
}
