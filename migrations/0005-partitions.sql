-- Partitions of months are made by processes that start at once and beside events of a wrong clock, and dropped without
-- keeping those waiting who read.

-- Makes the partition of the month that a day is in, if it is not there. A month that has events among the others, since
-- a clock was wrong, stays there: nothing is moved, and nobody is kept from starting.
create or replace function howdah.make_partition(parent text, day date) returns void
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
  -- what another process has made while this one waited is not in the cache that to_regclass reads
  perform pg_advisory_xact_lock(1213159236, 3);
  if exists (select from pg_class c where c.relnamespace = 'howdah'::regnamespace and c.relname = name) then return; end if;
  execute format('create table howdah.%I partition of howdah.%I for values from (%L) to (%L)',
    name, parent, first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
  execute format('create trigger no_truncate before truncate on howdah.%I
    for each statement execute function howdah.refuse_change()', name);
exception
  -- the partition of the others has such events
  when check_violation then null;
end $$;

-- Drops the partition of a month that is older than the owner lets events be kept, if all that it holds was signed: to be
-- called in the transaction that signs it. Nobody can add to the partition while it is counted, which may take minutes;
-- whoever reads, or adds to other months, waits only for the drop.
create or replace function howdah.drop_audit_partition(first date) returns boolean
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
  execute format('lock table howdah.%I in share row exclusive mode', name);
  execute format('select count(*) from howdah.%I', name) into found;
  if signed is distinct from found then
    raise exception 'what % holds was not signed', name;
  end if;
  execute format('drop table howdah.%I', name);
  return true;
end $$;
