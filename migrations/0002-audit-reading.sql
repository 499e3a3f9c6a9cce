-- What reading the audit log needs: more ways to find events, the rolled-up counts, and how far readers are.

-- What was refused and what failed is looked for as such, however rare it is; other events do not pay for these.
create index audit_event_denied on howdah.audit_event (at, id) where decision = 'deny';
create index audit_event_denied_principal on howdah.audit_event (principal_subject, at, id) where decision = 'deny';
create index audit_event_failed_operation on howdah.audit_event (operation, outcome, at, id) where outcome <> 'OK';
create index audit_event_failed_principal on howdah.audit_event (principal_subject, outcome, at, id) where outcome <> 'OK';
create index audit_event_failed on howdah.audit_event (at, id) where outcome <> 'OK';

-- How far each chain was read, by whoever reads every event once: the roll-up, the forwarding.
create table howdah.audit_position (
  consumer  text not null,
  chain     text not null,
  sequence  bigint not null,
  -- When nothing was left to read: a chain whose writer was not seen since then has nothing new.
  looked_at timestamptz not null,
  primary key (consumer, chain)
);

-- Calls by the hour and the day. `dimension` is what is counted by, '' for all calls together. How long they took is
-- counted by place, see howdah.duration_place: `place_calls` has as many as `places`.
create table howdah.audit_rollup (
  dimension text not null,
  grain     text not null check (grain in ('hour', 'day')),
  start     timestamptz(0) not null,
  value     text not null,
  calls     bigint not null,
  denied    bigint not null,
  failed    bigint not null,
  rows      bigint not null,
  bytes     bigint not null,
  max_ms    double precision,
  places    int[] not null,
  place_calls bigint[] not null,
  primary key (dimension, grain, start, value)
);

-- The place of a call that took so long: place n is of those up to 1.1 ^ (n - 1) * 0.1 ms. Inlined, so no settings of its own.
create function howdah.duration_place(ms double precision) returns int
  language sql immutable parallel safe
as $$
  select case when ms is not null then 1 + greatest(0, least(300, pg_catalog.ceil(pg_catalog.round(
    (pg_catalog.ln(greatest(ms, 0.1) / 0.1) / pg_catalog.ln(1.1::double precision))::pg_catalog.numeric, 6))))::int end
$$;

comment on table howdah.audit_position is 'may: select, insert, update';
comment on table howdah.audit_rollup is 'may: select, insert, update';

revoke execute on all functions in schema howdah from public;
