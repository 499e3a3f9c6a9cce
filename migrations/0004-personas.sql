-- Personas and grants that are edited while Howdah runs, and what callers have used up of their limits over all replicas.
-- Whatever gives a right is bound to its audit event by an HMAC under secrets.key; Howdah ignores a row that is not.

-- The versions of each persona; the newest is in force, and one without a spec says that there is none any more.
create table howdah.persona_version (
  name     text not null,
  version  int not null check (version > 0),
  spec     json,
  at       timestamptz(3) not null,
  author   text not null,
  reason   text not null,
  event_id uuid not null,
  key_id   text not null,
  mac      text not null,
  primary key (name, version)
);

-- Another persona for a while, for one caller or for all with a role.
create table howdah.persona_grant (
  id       uuid primary key,
  issuer   text,
  subject  text,
  role     text,
  persona  text not null,
  at       timestamptz(3) not null,
  until    timestamptz(3) not null check (until > at),
  author   text not null,
  reason   text not null,
  event_id uuid not null,
  key_id   text not null,
  mac      text not null,
  check (num_nonnulls(subject, role) = 1 and num_nonnulls(issuer, subject) <> 1)
);
create index persona_grant_until on howdah.persona_grant (until);

-- The end of a grant. There may be several of one, since a row that is not bound to its event ends nothing.
create table howdah.persona_grant_end (
  id       uuid primary key,
  grant_id uuid not null references howdah.persona_grant (id),
  how      text not null check (how in ('revoked', 'expired')),
  at       timestamptz(3) not null,
  author   text not null,
  reason   text not null,
  event_id uuid not null,
  key_id   text not null,
  mac      text not null
);
create index persona_grant_end_grant on howdah.persona_grant_end (grant_id);

create function howdah.personas_changed() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform howdah.note_change('personas');
  return null;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['persona_version', 'persona_grant', 'persona_grant_end'] loop
    execute format('create trigger changed after insert on howdah.%I for each statement
      execute function howdah.personas_changed()', name);
    execute format('create trigger append_only before update or delete on howdah.%I for each row
      execute function howdah.refuse_change()', name);
    execute format('create trigger no_truncate before truncate on howdah.%I for each statement
      execute function howdah.refuse_change()', name);
    execute format('comment on table howdah.%I is %L', name, 'may: select, insert');
  end loop;
end $$;

-- The processes that serve callers. Like what callers have under way it is of no use after a crash, so that it costs no
-- write to the log of PostgreSQL.
create unlogged table howdah.replica (
  id      uuid primary key,
  seen_at timestamptz not null
);

-- What is left of the calls of a minute. The row is also what those wait for who count the same caller at once.
create unlogged table howdah.quota_caller (
  caller text primary key,
  calls  double precision not null,
  at     timestamptz not null
);

-- Calls under way.
create unlogged table howdah.quota_place (
  caller  text not null,
  replica uuid not null,
  taken   int not null,
  primary key (caller, replica)
);

-- Rows that were answered in a day of UTC; kept, so that neither a restart nor a crash forgets them.
create table howdah.quota_rows (
  day    date not null,
  caller text not null,
  rows   bigint not null,
  primary key (day, caller)
);

-- Says that a replica is alive, and takes those for gone that were not heard of for five seconds: their places are free.
-- Gives how many others there are, and whether this one was not known.
create function howdah.replica_seen(me uuid, out others int, out isnew boolean)
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  gone uuid[];
begin
  insert into howdah.replica as r values (me, clock_timestamp())
    on conflict (id) do update set seen_at = clock_timestamp() returning xmax = 0 into isnew;
  with dead as (
    delete from howdah.replica where id in (
      select id from howdah.replica where seen_at < clock_timestamp() - interval '5 seconds' for update skip locked
    ) returning id
  )
  select array_agg(id) into gone from dead;
  if gone is not null then
    delete from howdah.quota_place where (caller, replica) in (
      select caller, replica from howdah.quota_place where replica = any (gone) order by 1, 2 for update);
  end if;
  if isnew then
    delete from howdah.quota_rows where day < current_date - 7;
    delete from howdah.quota_caller where caller in (
      select caller from howdah.quota_caller where at < clock_timestamp() - interval '1 hour' for update skip locked);
    perform howdah.note_change('replicas');
  end if;
  select count(*) into others from howdah.replica where id <> me;
end $$;

-- Says that a replica is no more.
create function howdah.replica_gone(me uuid) returns void
  language sql security definer set search_path = pg_catalog, pg_temp
as $$
  delete from howdah.quota_place where replica = me;
  delete from howdah.replica where id = me;
  select howdah.note_change('replicas');
$$;

-- What several callers ask, each at its place in the arrays; the answers come with these places.
--   call:  one call of `most` in a minute; how many are left, below 0 for one that was not there to take
--   spent: so many calls that were made of `most` in a minute, while they were not asked for here
--   place: one of `most` places; 1 if there was one
--   hold:  how many places this replica has now; it is not asked
--   rows:  up to `amount` of `most` rows of today; how many there were to take
--   left:  how many of `most` rows of today are left
--   owed:  so many rows that were answered today, while they were not asked for here
-- Callers are taken in one order, so that no two replicas wait for each other.
create function howdah.use_quotas(me uuid, kinds text[], callers text[], most double precision[],
  amounts double precision[])
  returns table (place int, answer double precision)
  language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  ask   record;
  known text;
  have  double precision;
  now_  timestamptz;
  today date := (clock_timestamp() at time zone 'UTC')::date;
begin
  for ask in
    select a.n, a.kind, a.caller, a.most, a.amount
      from unnest(kinds, callers, most, amounts) with ordinality as a(kind, caller, most, amount, n)
     order by a.caller, a.n
  loop
    if ask.caller is distinct from known then
      known := ask.caller;
      insert into howdah.quota_caller values (known, 'infinity', clock_timestamp()) on conflict do nothing;
      perform from howdah.quota_caller c where c.caller = known for update;
    end if;
    answer := 0;
    if ask.kind in ('call', 'spent') then
      now_ := clock_timestamp();
      select least(ask.most, c.calls + greatest(0, extract(epoch from now_ - c.at)) / 60 * ask.most) into have
        from howdah.quota_caller c where c.caller = known;
      answer := have - case ask.kind when 'call' then 1 else ask.amount end;
      update howdah.quota_caller c
         set calls = case when ask.kind = 'call' and answer < 0 then have else greatest(answer, -ask.most) end, at = now_
       where c.caller = known;
    elsif ask.kind = 'place' then
      select coalesce(sum(p.taken), 0) into have from howdah.quota_place p where p.caller = known;
      if have < ask.most then
        insert into howdah.quota_place as p values (known, me, 1)
          on conflict (caller, replica) do update set taken = p.taken + 1;
        answer := 1;
      end if;
    elsif ask.kind = 'hold' then
      delete from howdah.quota_place p where p.caller = known and p.replica = me;
      if ask.amount > 0 then insert into howdah.quota_place values (known, me, ask.amount); end if;
    elsif ask.kind in ('rows', 'left', 'owed') then
      select coalesce(max(r.rows), 0) into have from howdah.quota_rows r where r.day = today and r.caller = known;
      answer := case ask.kind
        when 'left' then greatest(0, ask.most - have)
        when 'rows' then least(ask.amount, greatest(0, ask.most - have))
        else ask.amount end;
      if ask.kind <> 'left' and answer > 0 then
        insert into howdah.quota_rows as r values (today, known, answer)
          on conflict (day, caller) do update set rows = r.rows + excluded.rows;
      end if;
    end if;
    place := ask.n;
    return next;
  end loop;
end $$;

revoke execute on all functions in schema howdah from public;
