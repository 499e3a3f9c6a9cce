import { PersonaSpec } from '../../src/contract/persona.ts';
import { openHowdah, runAs, type Howdah } from '../postgres/platform.ts';

/** In every name and value that the persona `ruled` may not see; one half is of no pattern, and known by the catalog alone. */
export const SECRET = /sekrit|kiwi/i;

const RULES = {
  deny: ['sekrit_vault.*', 'shop.sekrit_ledger', 'shop.customers.sekrit_pin', '"Odd.Sekrit".*', '*.sekrit_any_*'],
  mask: { 'shop.customers.wombat_mail': 'hash', 'tapir.region.code': 'redact', 'tapir.counted.id': 'null' },
};

const ruled = PersonaSpec.parse({
  tools: { allow: ['*'] },
  data: RULES,
  limits: { calls_per_minute: 10_000, rows: 10_000, bytes: '64MiB' },
});

/** A Howdah whose persona may call everything, but for the data that the rules hide. */
export function openRuledHowdah(url: string): Promise<Howdah> {
  return openHowdah(url, 'ruled', (config) => ({ ...config, personas: { ...config.personas, ruled } }));
}

/** What is hidden, and what refers to it from where everybody may look. */
const HIDDEN = [
  'create schema sekrit_vault',
  "comment on schema sekrit_vault is 'sekrit comment'",
  'create schema tapir',
  "create type sekrit_vault.sekrit_mood as enum ('sekrit_good', 'sekrit_bad')",
  'create table sekrit_vault.sekrit_pay (id serial constraint kiwi_key primary key, amount integer, customer_id integer) with (autovacuum_enabled = off)',
  'insert into sekrit_vault.sekrit_pay (amount, customer_id) select g, g from generate_series(1, 60000) g',
  'create index kiwi_amount on sekrit_vault.sekrit_pay (amount)',
  'create index kiwi_amount_again on sekrit_vault.sekrit_pay (amount)',
  'alter sequence sekrit_vault.sekrit_pay_id_seq rename to kiwi_seq',
  'create table sekrit_vault.sekrit_child (id integer, pay_id integer)',
  'alter table sekrit_vault.sekrit_child add constraint kiwi_fk foreign key (pay_id) references sekrit_vault.sekrit_pay not valid',
  'create table sekrit_vault.kiwi_plain (a integer)',
  'create sequence sekrit_vault.kiwi_small as smallint maxvalue 10 start 10',
  "select nextval('sekrit_vault.kiwi_small')",
  "create function sekrit_vault.kiwi_audit() returns trigger language plpgsql security definer as 'begin return new; end'",
  'create schema "Odd.Sekrit"',
  'create table "Odd.Sekrit"."Kiwi T" (id smallserial primary key)',
  'create table tapir.sekrit_any_where (id integer)',
  'create table shop.sekrit_ledger (id serial primary key, at date, note text)',
  "insert into shop.sekrit_ledger (note) select repeat('sekrit', 20) from generate_series(1, 30000)",
  "comment on table shop.sekrit_ledger is 'kiwi comment'",
  'create table tapir.kiwi_heir () inherits (shop.sekrit_ledger)',
  'grant all on shop.sekrit_ledger, sekrit_vault.sekrit_pay to public',
  'alter table shop.sekrit_ledger enable row level security',
  "create policy kiwi_policy on shop.sekrit_ledger using (note = 'sekrit')",
  // a column of a table that may be seen
  "alter table shop.customers add sekrit_pin text default 'sekrit_default', add wombat_mail text default 'sekrit_value'",
  'create index kiwi_pin on shop.customers (sekrit_pin)',
  'create index kiwi_pin_again on shop.customers (lower(sekrit_pin))',
  "alter table shop.customers add constraint kiwi_check check (sekrit_pin <> 'sekrit_value') not valid",
  'create statistics shop.kiwi_statistics on id, sekrit_pin from shop.customers',
  'grant update (sekrit_pin) on shop.customers to public',
  "create trigger kiwi_trigger before update of sekrit_pin on shop.customers for each row when (new.sekrit_pin = 'sekrit_value') execute function shop.touch()",
  "create view tapir.tapir_pins as select id, sekrit_pin from shop.customers where sekrit_pin > 'sekrit_value'",
  // values of a masked one
  "create index wombat_partial on shop.customers (id) where wombat_mail = 'sekrit_value'",
  "alter table shop.customers add constraint wombat_check check (wombat_mail <> 'sekrit_other') not valid",
  "create policy wombat_policy on shop.customers using (wombat_mail = 'sekrit_value')",
  "create trigger wombat_trigger before update on shop.customers for each row when (new.wombat_mail = 'sekrit_value') execute function shop.touch()",
  "create view tapir.tapir_mails as select id, wombat_mail from shop.customers where wombat_mail > 'sekrit_value'",
  "comment on column shop.customers.wombat_mail is 'such as sekrit_value'",
  'create table tapir.region (code text, n integer) partition by list (code)',
  "create table tapir.region_a partition of tapir.region for values in ('sekrit_region')",
  'create table tapir.counted (id integer, at date) partition by range (at)',
  "create table tapir.counted_a partition of tapir.counted for values from ('2024-01-01') to ('2025-01-01')",
  // references from what may be seen
  'create table tapir.tapir_orders (id integer primary key, pay_id integer constraint kiwi_reference references sekrit_vault.sekrit_pay, mood sekrit_vault.sekrit_mood, bought integer)',
  'create index tapir_bought on tapir.tapir_orders (bought)',
  'create index tapir_bought_again on tapir.tapir_orders (bought)',
  "comment on table tapir.tapir_orders is 'paid from sekrit_vault.sekrit_pay'",
  'create trigger tapir_audit before update on tapir.tapir_orders for each row execute function sekrit_vault.kiwi_audit()',
  'create view tapir.tapir_pay as select p.amount from sekrit_vault.sekrit_pay p',
  'create materialized view tapir.tapir_sums as select count(*) as n from shop.sekrit_ledger',
  "alter table tapir.tapir_orders alter bought set default nextval('sekrit_vault.kiwi_small')",
  "create function tapir.tapir_sum() returns bigint language sql security definer as 'select sum(amount) from sekrit_vault.sekrit_pay'",
  'alter function tapir.tapir_sum() set search_path = sekrit_vault, pg_catalog',
  'create policy tapir_policy on tapir.tapir_orders using (exists (select from shop.sekrit_ledger))',
  'alter table tapir.tapir_orders enable row level security',
  'create publication tapir_publication for table shop.sekrit_ledger, sekrit_vault.sekrit_pay, tapir.tapir_orders',
  'alter default privileges in schema sekrit_vault grant select on tables to public',
  'analyze',
];

/** Statements that pg_stat_statements keeps. */
const RUN = [
  'select count(*) from sekrit_vault.sekrit_pay',
  'select count(*) from shop.sekrit_ledger where id > 0',
  'select max(sekrit_pin) from shop.customers',
  'set search_path = sekrit_vault, public',
  'select count(*) as unqualified from sekrit_pay',
  'select count(*) as plain from kiwi_plain',
  'reset search_path',
  'select count(*) as tapir_visible from tapir.tapir_orders',
  'update sekrit_vault.sekrit_pay set amount = amount + 1 where id < 30000',
  'delete from sekrit_vault.sekrit_pay where id > 30000',
];

export async function plantHidden(superuserUrl: string): Promise<void> {
  await runAs(superuserUrl, ...HIDDEN);
  const name = new URL(superuserUrl).pathname.slice(1);
  await runAs(superuserUrl, `alter database ${name} set search_path = public, sekrit_vault`);
  await runAs(superuserUrl, 'insert into sekrit_vault.sekrit_pay (id, amount) values (70001, 1)');
  const fails = 'create unique index concurrently kiwi_invalid on sekrit_vault.sekrit_pay ((id * 0))';
  await runAs(superuserUrl, fails).catch(() => undefined);
  await runAs(superuserUrl, ...RUN);
}
