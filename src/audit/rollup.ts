import type { StoreConnection } from '../store/connection.ts';
import { unreadChains } from './positions.ts';

/** By what calls are counted ahead; '' is for all together. Values are cut, as an index takes no longer ones. */
export const ROLLED_UP = {
  '': `''`,
  principal: `left(coalesce(e.principal_subject, ''), 200)`,
  operation: `left(coalesce(e.operation, ''), 200)`,
  server: `left(coalesce(e.server, ''), 200)`,
  outcome: `left(coalesce(e.outcome, ''), 200)`,
  persona: `left(coalesce(e.persona, ''), 200)`,
} as const;
export type RolledUp = keyof typeof ROLLED_UP;

/** What is counted of every `ended` event, in the rolled-up counts and in those of the events themselves alike. */
export const COUNTED = {
  denied: `(e.decision is not distinct from 'deny')`,
  failed: `(e.outcome is distinct from 'OK' and e.decision is distinct from 'deny')`,
  place: 'howdah.duration_place(e.duration_ms)',
} as const;

export const ROLLUP = 'rollup';
const MOST = 5000;
/** Of the roll-up alone: an advisory lock of the transaction, beside that of the job. */
const LOCK = 'select pg_catalog.pg_advisory_xact_lock(1213159237, 1)::text';

const dimensions = Object.entries(ROLLED_UP).map(([name, value]) => `('${name}', ${value})`);

/** One statement, and so one snapshot: each event is counted once, and its position is passed with that. */
const ROLL_UP = `
  with chain as materialized (${unreadChains('$1')}),
  event as materialized (
    select e.* from chain cross join lateral (
      select e.chain, e.sequence, e.kind, e.at, e.principal_subject, e.operation, e.server, e.outcome, e.persona,
             e.decision, e.rows, e.bytes, e.duration_ms, ${COUNTED.place} as place
        from howdah.audit_event e
       where e.chain = chain.chain and e.sequence > chain.sequence order by e.sequence limit ${MOST}) as e
     limit ${MOST}),
  by_hour as materialized (
    select d.dimension, d.value, date_trunc('hour', e.at) as start, e.place, count(*) as calls,
           count(*) filter (where ${COUNTED.denied}) as denied, count(*) filter (where ${COUNTED.failed}) as failed,
           coalesce(sum(e.rows), 0) as rows, coalesce(sum(e.bytes), 0) as bytes, max(e.duration_ms) as max_ms
      from event e cross join lateral (values ${dimensions.join(', ')}) as d(dimension, value)
     where e.kind = 'ended'
     group by 1, 2, 3, 4),
  placed as (
    select 'hour' as grain, dimension, value, start, place, calls::bigint, denied, failed, rows, bytes, max_ms from by_hour
    union all
    select 'day', dimension, value, date_trunc('day', start), place, sum(calls)::bigint, sum(denied), sum(failed), sum(rows),
           sum(bytes), max(max_ms)
      from by_hour group by dimension, value, date_trunc('day', start), place),
  counted as (
    insert into howdah.audit_rollup as r
      (dimension, grain, start, value, calls, denied, failed, rows, bytes, max_ms, places, place_calls)
    select dimension, grain, start, value, sum(calls), sum(denied), sum(failed), sum(rows), sum(bytes), max(max_ms),
           coalesce(array_agg(place order by place) filter (where place is not null), '{}'),
           coalesce(array_agg(calls order by place) filter (where place is not null), '{}')
      from placed group by dimension, grain, start, value
    on conflict (dimension, grain, start, value) do update set
      calls = r.calls + excluded.calls, denied = r.denied + excluded.denied, failed = r.failed + excluded.failed,
      rows = r.rows + excluded.rows, bytes = r.bytes + excluded.bytes, max_ms = greatest(r.max_ms, excluded.max_ms),
      (places, place_calls) = (
        select coalesce(array_agg(place order by place), '{}'), coalesce(array_agg(calls order by place), '{}')
          from (select place, sum(calls)::bigint as calls
                  from (select * from unnest(r.places, r.place_calls)
                        union all select * from unnest(excluded.places, excluded.place_calls)) as u(place, calls)
                 group by place) as merged)),
  passed as (
    insert into howdah.audit_position as p (consumer, chain, sequence, looked_at)
    select $1, chain.chain, coalesce(max(event.sequence), chain.sequence),
           case when (select count(*) from event) < ${MOST} then statement_timestamp() else '-infinity' end
      from chain left join event on event.chain = chain.chain group by chain.chain, chain.sequence
    on conflict (consumer, chain) do update set sequence = excluded.sequence, looked_at = excluded.looked_at)
  select count(*) from event`;

/** Counts what was added since, whatever time it is of: what was spooled comes late. Resolves when nothing is left. */
export async function rollUp(connection: Pick<StoreConnection, 'exchange'>, signal?: AbortSignal): Promise<void> {
  for (;;) {
    const [, counted] = await connection.exchange([
      { text: LOCK, values: [] },
      { text: ROLL_UP, values: [ROLLUP] },
    ]);
    if (Number(counted?.rows[0]?.[0]) < MOST || signal?.aborted === true) return;
  }
}
