-- What proving the audit log needs.

-- How far the checkpoints have got with each chain; what they say is signed, this is only to make them quickly.
create table howdah.audit_head (
  chain    text primary key,
  sequence bigint not null
);
create index audit_chain_ended on howdah.audit_chain (ended_at);

-- The end of a chain that was lost in a restore and that an administrator has accepted: signed.
create table howdah.audit_accepted (
  id        uuid primary key,
  at        timestamptz(3) not null default clock_timestamp(),
  body      text not null,
  key_id    text not null,
  signature text not null
);
create trigger append_only before update or delete on howdah.audit_accepted
  for each row execute function howdah.refuse_change();
create trigger no_truncate before truncate on howdah.audit_accepted
  for each statement execute function howdah.refuse_change();

-- Exact statements with their parameters, sealed; the event of the call has the digest of what is sealed.
create table howdah.audit_statement (
  call_id text not null,
  at      timestamptz(3) not null,
  key_id  text not null,
  sealed  bytea not null
) partition by range (at);
create unique index audit_statement_call on howdah.audit_statement (call_id, at);
create trigger append_only before update or delete on howdah.audit_statement
  for each row execute function howdah.refuse_change();
create trigger no_truncate before truncate on howdah.audit_statement
  for each statement execute function howdah.refuse_change();
create table howdah.audit_statement_other partition of howdah.audit_statement default;
create trigger no_truncate before truncate on howdah.audit_statement_other
  for each statement execute function howdah.refuse_change();

-- The months whose events are older than the owner lets them be kept, oldest first.
create function howdah.overdue_audit_months() returns setof date
  language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select to_date(right(c.relname, 7), 'YYYY_MM')
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
   where i.inhparent = 'howdah.audit_event'::regclass and c.relname ~ '^audit_event_\d{4}_\d\d$'
     and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month'
         <= date_trunc('month', now() at time zone 'UTC') - make_interval(months =>
              (select value::int from howdah.owner_setting where name = 'audit_retention_months'))
   order by 1
$$;

-- Drops the partition of a month that is older than the owner lets events be kept, if all that it holds was signed: to be
-- called in the transaction that signs it.
create function howdah.drop_audit_partition(first date) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  kept   text := (select value from howdah.owner_setting where name = 'audit_retention_months');
  name   text := 'audit_event_' || to_char(first, 'YYYY_MM');
  signed bigint := (select (d.body::json ->> 'events')::bigint from howdah.audit_dropped d where d.month = first);
  found  bigint;
begin
  if kept is null or to_regclass('howdah.' || name) is null then return false; end if;
  if first <> date_trunc('month', first)::date
     or first + interval '1 month' > date_trunc('month', now() at time zone 'UTC') - make_interval(months => kept::int) then
    raise exception '% is not older than % months', name, kept;
  end if;
  execute format('lock table howdah.%I in access exclusive mode', name);
  execute format('select count(*) from howdah.%I', name) into found;
  if signed is distinct from found then
    raise exception 'what % holds was not signed', name;
  end if;
  execute format('drop table howdah.%I', name);
  return true;
end $$;

-- Drops the statements of a month whose events were dropped.
create function howdah.drop_statement_partition(first date) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  name text := 'audit_statement_' || to_char(first, 'YYYY_MM');
begin
  if to_regclass('howdah.' || name) is null then return false; end if;
  if not exists (select from howdah.audit_dropped d where d.month = first)
     or to_regclass('howdah.audit_event_' || to_char(first, 'YYYY_MM')) is not null then
    raise exception 'the events of % are still kept', name;
  end if;
  execute format('drop table howdah.%I', name);
  return true;
end $$;

comment on table howdah.audit_head is 'may: select, insert, update';
comment on table howdah.audit_accepted is 'may: select, insert';
comment on table howdah.audit_statement is 'may: select, insert';

revoke execute on all functions in schema howdah from public;
