import { z } from 'zod';
import {
  byServerVersion,
  countedDatabases,
  definePart,
  param,
  percentOf,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { counterRow, counterState, sessionCounters } from './counter-row.ts';

interface Later {
  readonly sessions: Sql;
  readonly workers: Sql;
}

const round = (value: Sql) => sql`pg_catalog.round((${value})::numeric, 3)`;
/** Null where nothing measured it, which is not 0. */
const timed = (value: Sql) => sql`case when o.track_io_timing or ${value} > 0 then ${round(value)} end`;

const counters = ({ sessions, workers }: Later) => sql`
      select s.datname as database, c.counted_since, c.counted_s, s.numbackends as connections, s.xact_commit as commits, s.xact_rollback as rollbacks,
             ${percentOf(sql`s.xact_rollback`, sql`(s.xact_commit + s.xact_rollback)`)} as rollback_percent,
             pg_catalog.round((s.xact_commit + s.xact_rollback) / nullif(c.counted_s, 0)::numeric, 2) as transactions_per_s,
             ${percentOf(sql`s.blks_hit`, sql`(s.blks_hit + s.blks_read)`)} as hit_percent, s.blks_read * o.block_size as read_size,
             s.tup_returned, s.tup_fetched, s.tup_inserted, s.tup_updated, s.tup_deleted,
             s.temp_files, s.temp_bytes as temp_size,
             -- of less than an hour nobody knows what an hour brings
             case when c.counted_s >= 3600 then pg_catalog.round(s.temp_bytes / (c.counted_s / 3600.0)) end as temp_size_per_hour,
             s.deadlocks, s.conflicts, s.checksum_failures, s.checksum_last_failure as last_checksum_failure,
             ${timed(sql`s.blk_read_time`)} as read_ms, ${timed(sql`s.blk_write_time`)} as write_ms, ${sessions}, ${workers}
        from pg_catalog.pg_stat_database s
        join (${countedDatabases}) c on c.datid = s.datid
       cross join (
         select pg_catalog.current_setting('block_size')::bigint as block_size, pg_catalog.current_setting('track_io_timing')::boolean as track_io_timing
       ) o
       order by case ${param('order_by')}::text
                  when 'transactions' then s.xact_commit + s.xact_rollback
                  when 'rollbacks' then s.xact_rollback
                  when 'reads' then s.blks_read
                  when 'temp' then s.temp_bytes
                  when 'deadlocks' then s.deadlocks
                end desc nulls last, s.datname nulls last`;

const since12: Later = {
  sessions: sql`null::bigint as sessions, null::bigint as sessions_abandoned, null::bigint as sessions_fatal, null::bigint as sessions_killed,
             null::double precision as session_ms, null::double precision as active_ms, null::double precision as idle_in_transaction_ms`,
  workers: sql`null::bigint as parallel_workers_to_launch, null::bigint as parallel_workers_launched`,
};
const since14: Later = {
  ...since12,
  sessions: sql`s.sessions, s.sessions_abandoned, s.sessions_fatal, s.sessions_killed, ${round(sql`s.session_time`)} as session_ms,
             ${round(sql`s.active_time`)} as active_ms, ${round(sql`s.idle_in_transaction_time`)} as idle_in_transaction_ms`,
};

export const databaseCounters = definePart({
  what: 'counters of databases',
  row: { ...counterRow, ...sessionCounters, ...counterState },
  sql: byServerVersion({
    12: counters(since12),
    14: counters(since14),
    18: counters({ ...since14, workers: sql`s.parallel_workers_to_launch, s.parallel_workers_launched` }),
  }),
});

export const checksums = definePart({
  what: 'whether checksums are on',
  row: { data_checksums: z.boolean() },
  sql: byServerVersion({ 12: sql`select pg_catalog.current_setting('data_checksums')::boolean as data_checksums` }),
});

export const workerLimits = definePart({
  what: 'how many parallel workers there may be',
  row: { max_parallel_workers: z.int(), max_worker_processes: z.int() },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.current_setting('max_parallel_workers')::integer as max_parallel_workers,
             pg_catalog.current_setting('max_worker_processes')::integer as max_worker_processes`,
  }),
});
export type WorkerLimits = RowOf<typeof workerLimits>;
