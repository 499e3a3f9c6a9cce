-- The audit log: hash chains, one per writer, in monthly partitions; signed checkpoints; what was dropped by age.
-- The role that runs this owns everything. The role that Howdah runs with may read, and add to a chain that it opened.

create function howdah.refuse_change() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

-- What only the owner may set, such as how long events are kept.
create table howdah.owner_setting (
  name  text primary key,
  value text not null
);

-- The chains. Whoever knows the secret of one, and only they, can add events to it.
create table howdah.audit_chain (
  chain       text primary key,
  secret_hash bytea not null unique check (length(secret_hash) = 32),
  writer      jsonb not null,
  opened_at   timestamptz not null default clock_timestamp(),
  seen_at     timestamptz not null default clock_timestamp(),
  ended_at    timestamptz,
  ended_by    text
);
create index audit_chain_open on howdah.audit_chain (seen_at) where ended_at is null;

-- The chain whose secret the session has in the setting howdah.chain_secret.
create function howdah.own_chain() returns text
  language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select c.chain from howdah.audit_chain c
   where c.secret_hash = sha256(convert_to(current_setting('howdah.chain_secret', true), 'UTF8'))
$$;

-- Says that the writer of the session's chain is alive; opens the chain again if it was taken for dead.
create function howdah.chain_seen() returns void
  language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update howdah.audit_chain set seen_at = clock_timestamp(), ended_at = null, ended_by = null
   where chain = howdah.own_chain()
$$;

-- Ends a chain: the session's own, or one whose writer was not seen for a while. False for any other.
create function howdah.end_chain(ended text) returns boolean
  language sql security definer set search_path = pg_catalog, pg_temp
as $$
  with done as (
    update howdah.audit_chain set ended_at = clock_timestamp(), ended_by = howdah.own_chain()
     where chain = ended and ended_at is null
       and (chain = howdah.own_chain() or seen_at < clock_timestamp() - interval '30 seconds')
    returning 1
  )
  select exists (select from done)
$$;

create table howdah.audit_event (
  id                  uuid not null,
  at                  timestamptz(3) not null,
  kind                text not null,
  call_id             text,
  principal_issuer    text,
  principal_subject   text,
  principal_method    text,
  principal_client    text,
  principal_roles     text[] not null,
  persona             text,
  policy_version      text,
  operation           text,
  called_as           text,
  access_class        text,
  server              text,
  database            text,
  input               json,
  sql_text            text,
  sql_fingerprint     text,
  decision            text,
  rule                text,
  outcome             text,
  rows                bigint,
  bytes               bigint,
  truncated           boolean,
  duration_ms         double precision,
  purpose             text,
  request_id          text,
  trace_id            text,
  transport           text,
  protocol_version    text,
  client_name         text,
  client_version      text,
  source_address      text,
  details             json,
  chain               text not null,
  sequence            bigint not null,
  previous_hash       text not null,
  hash                text not null
) partition by range (at);

-- A retried write is the same event, so that it is found to be there.
create unique index audit_event_place on howdah.audit_event (chain, sequence, at);
create index audit_event_time on howdah.audit_event (at, id);
create index audit_event_call on howdah.audit_event (call_id) where call_id is not null;
create index audit_event_principal on howdah.audit_event (principal_subject, at, id);
create index audit_event_operation on howdah.audit_event (operation, at, id);
create index audit_event_server on howdah.audit_event (server, at, id) where server is not null;
create index audit_event_trouble on howdah.audit_event (outcome, at, id) where outcome <> 'OK';

alter table howdah.audit_event enable row level security;
create policy read on howdah.audit_event for select using (true);
create policy append on howdah.audit_event for insert with check (chain = (select howdah.own_chain()));

create trigger append_only before update or delete on howdah.audit_event
  for each row execute function howdah.refuse_change();
create trigger no_truncate before truncate on howdah.audit_event
  for each statement execute function howdah.refuse_change();

-- Events whose month has no partition, such as those of a clock that is wrong.
create table howdah.audit_event_other partition of howdah.audit_event default;
create trigger no_truncate before truncate on howdah.audit_event_other
  for each statement execute function howdah.refuse_change();

-- Makes the partition of the month that a day is in, if it is not there.
create function howdah.make_partition(parent text, day date) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  first date := date_trunc('month', day)::date;
  name  text := parent || '_' || to_char(first, 'YYYY_MM');
begin
  if (parent in ('audit_event', 'audit_statement')) is not true then
    raise exception '% has no partitions by month', parent;
  end if;
  if (day between current_date - 4000 and current_date + 400) is not true then
    raise exception 'no partition is made for %', day;
  end if;
  if to_regclass('howdah.' || name) is not null then return; end if;
  execute format('create table howdah.%I partition of howdah.%I for values from (%L) to (%L)',
    name, parent, first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
  execute format('create trigger no_truncate before truncate on howdah.%I
    for each statement execute function howdah.refuse_change()', name);
end $$;

-- Signed statements of how every chain was at a time; `body` is the JSON text that is signed.
create table howdah.audit_checkpoint (
  number    bigint primary key,
  at        timestamptz(3) not null,
  body      text not null,
  key_id    text not null,
  signature text not null
);
create trigger append_only before update or delete on howdah.audit_checkpoint
  for each row execute function howdah.refuse_change();
create trigger no_truncate before truncate on howdah.audit_checkpoint
  for each statement execute function howdah.refuse_change();

-- What was dropped by age: how each chain ended there, signed.
create table howdah.audit_dropped (
  month     date primary key,
  at        timestamptz(3) not null default clock_timestamp(),
  body      text not null,
  key_id    text not null,
  signature text not null
);
create trigger append_only before update or delete on howdah.audit_dropped
  for each row execute function howdah.refuse_change();
create trigger no_truncate before truncate on howdah.audit_dropped
  for each statement execute function howdah.refuse_change();

-- What changes, for those who keep a copy: the number grows with each change of the topic.
create table howdah.change (
  topic  text primary key,
  number bigint not null
);

create function howdah.note_change(changed text) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  latest bigint;
begin
  insert into howdah.change as c values (changed, 1)
    on conflict (topic) do update set number = c.number + 1 returning c.number into latest;
  perform pg_notify('howdah', changed || ' ' || latest);
end $$;

-- Secrets at rest, each sealed with the key that key_id names.
create table howdah.sealed (
  name   text primary key,
  key_id text not null,
  sealed bytea not null
);

-- What the role that Howdah runs with may do with each table; `howdah migrate` grants it. The others it may read.
comment on table howdah.audit_chain is 'may: select, insert';
comment on table howdah.audit_event is 'may: select, insert';
comment on table howdah.audit_event_other is 'may: select';
comment on table howdah.audit_checkpoint is 'may: select, insert';
comment on table howdah.audit_dropped is 'may: select, insert';
comment on table howdah.sealed is 'may: select, insert, update, delete';

-- Nobody else may call what runs with the rights of the owner.
revoke execute on all functions in schema howdah from public;
