import { secondsSince, sql } from '../kit/index.ts';

/**
 * One row: where WAL is. pg_current_wal_lsn() fails on a standby, so each function is asked where it has an answer. What
 * was replayed was received, also where it came from an archive after the last that streamed in.
 */
export const walPositions = sql`
              select pg_catalog.pg_is_in_recovery() as standby,
                     case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_lsn() end as written,
                     case when pg_catalog.pg_is_in_recovery() and pg_catalog.pg_last_wal_receive_lsn() is not null
                          then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()) end as received,
                     case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() end as replayed,
                     case when pg_catalog.pg_is_in_recovery() then exists (select from pg_catalog.pg_stat_wal_receiver) end as receiving`;

/** Of `i`, a row of the above. A standby that only restores from an archive receives nothing. */
export const RECEIVED_OR_WRITTEN = sql`case when i.standby then coalesce(i.received, i.replayed) else i.written end`;

/** Of the same, in seconds: an idle primary sends nothing to replay, so the age of the last transaction alone would say lag. */
export const REPLAY_LAG = sql`case when not i.standby then null
                  when i.receiving and i.received = i.replayed then 0
                  else ${secondsSince(sql`pg_catalog.pg_last_xact_replay_timestamp()`)} end`;

/** Of the same, in seconds: how long replay waits on purpose. */
export const APPLY_DELAY = sql`case when i.standby then extract(epoch from pg_catalog.current_setting('recovery_min_apply_delay')::interval) end`;
