import { z } from 'zod';
import { byServerVersion, definePart, percentOf, secondsSince, sql, type RowOf, type Sql } from '../kit/index.ts';

const count = z.int().min(0).nullable();
const ms = z.number().nullable().meta({ unit: 'ms' });
const seconds = z.number().nullable().meta({ unit: 's' });
const percent = z.number().nullable().meta({ unit: 'percent' });
const time = z.iso.datetime().nullable();

/** The inner select has timed, requested, done, three of restartpoints, write_ms, sync_ms, buffers_written, slru_written and stats_reset. */
const checkpointsOf = (counters: Sql) => sql`
      select q.timed, q.requested, ${percentOf(sql`q.requested`, sql`(q.timed + q.requested)`)} as requested_percent, q.done,
             q.restartpoints_timed, q.restartpoints_requested, q.restartpoints_done,
             pg_catalog.round(q.counted_s / nullif(coalesce(q.done, q.timed + q.requested), 0), 1) as mean_interval_s,
             pg_catalog.round(q.write_ms::numeric, 3) as write_ms, pg_catalog.round(q.sync_ms::numeric, 3) as sync_ms,
             q.buffers_written, q.slru_written, q.stats_reset as counted_since, q.counted_s
        from (select c.*, ${secondsSince(sql`c.stats_reset`)} as counted_s from (${counters}) c) q`;

const checkpointer = (done: Sql, slru: Sql) =>
  checkpointsOf(sql`
          select k.num_timed as timed, k.num_requested as requested, ${done} as done, k.restartpoints_timed,
                 k.restartpoints_req as restartpoints_requested, k.restartpoints_done, k.write_time as write_ms, k.sync_time as sync_ms,
                 k.buffers_written, ${slru} as slru_written, k.stats_reset
            from pg_catalog.pg_stat_checkpointer k`);

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-CHECKPOINTER-VIEW */
export const checkpointCounters = definePart({
  what: 'statistics of checkpoints',
  row: {
    timed: count.describe('After checkpoint_timeout; also those that were skipped, since nothing was written.'),
    requested: count.describe(
      'Since WAL filled max_wal_size, or a command asked: backups, CREATE DATABASE, CHECKPOINT.',
    ),
    requested_percent: percent,
    done: count.describe('PostgreSQL 18 on.'),
    restartpoints_timed: count.describe('On a standby. Before PostgreSQL 17 the above count them.'),
    restartpoints_requested: count,
    restartpoints_done: count,
    mean_interval_s: seconds.describe('Between those done or, before PostgreSQL 18, timed or requested.'),
    write_ms: ms.describe('Of all together; spread over checkpoint_completion_target of the time.'),
    sync_ms: ms,
    buffers_written: count,
    slru_written: count.describe('PostgreSQL 18 on.'),
    counted_since: time,
    counted_s: seconds,
  },
  sql: byServerVersion({
    12: checkpointsOf(sql`
          select b.checkpoints_timed as timed, b.checkpoints_req as requested, null::bigint as done, null::bigint as restartpoints_timed,
                 null::bigint as restartpoints_requested, null::bigint as restartpoints_done, b.checkpoint_write_time as write_ms,
                 b.checkpoint_sync_time as sync_ms, b.buffers_checkpoint as buffers_written, null::bigint as slru_written, b.stats_reset
            from pg_catalog.pg_stat_bgwriter b`),
    17: checkpointer(sql`null::bigint`, sql`null::bigint`),
    18: checkpointer(sql`k.num_done`, sql`k.slru_written`),
  }),
});
export type CheckpointCounters = RowOf<typeof checkpointCounters>;

/** Rounds that there was time for; while there is little to do, the background writer sleeps longer. */
const rounds = sql`(${secondsSince(sql`b.stats_reset`)} / nullif(extract(epoch from pg_catalog.current_setting('bgwriter_delay')::interval), 0)::numeric)`;

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-BGWRITER-VIEW */
export const backgroundWriter = definePart({
  what: 'statistics of the background writer',
  row: {
    buffers_clean: count.describe('Buffers that it wrote.'),
    maxwritten_clean: count.describe('Rounds that it broke off at bgwriter_lru_maxpages.'),
    maxwritten_percent: percent.describe(
      'Of the rounds that bgwriter_delay has time for: at least so many of those it made.',
    ),
    buffers_alloc: count.describe('Buffers that were taken for other pages.'),
    counted_since: time,
  },
  sql: byServerVersion({
    12: sql`
      select b.buffers_clean, b.maxwritten_clean, ${percentOf(sql`b.maxwritten_clean`, rounds)} as maxwritten_percent, b.buffers_alloc,
             b.stats_reset as counted_since
        from pg_catalog.pg_stat_bgwriter b`,
  }),
});
export type BackgroundWriter = RowOf<typeof backgroundWriter>;
