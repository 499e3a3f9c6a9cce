import { z } from 'zod';
import { byServerVersion, definePart, secondsSince, sql, type RowOf, type Sql } from '../kit/index.ts';
import { APPLY_DELAY, REPLAY_LAG, walPositions } from '../server/wal-position.ts';

const bytes = z.int().nullable().meta({ unit: 'bytes' });
const seconds = z.number().nullable().meta({ unit: 's' });
const text = z.string().nullable();

const recoveryWith = (pauseState: Sql) => sql`
      select i.standby, i.receiving, i.replayed::text as replay_lsn, pg_catalog.pg_last_xact_replay_timestamp() as last_commit_replayed_at,
             pg_catalog.pg_wal_lsn_diff(i.received, i.replayed)::bigint as replay_lag_size, ${REPLAY_LAG} as replay_lag_s,
             u.lag as upstream_lag_size,
             case when i.standby then pg_catalog.pg_is_wal_replay_paused() end as replay_paused, ${pauseState} as pause_state,
             ${APPLY_DELAY} as apply_delay_s
        from (${walPositions}) i
        -- what came from an archive may be ahead of what was last heard
        left join lateral (
          select case when r.latest_end_lsn is not null then greatest(pg_catalog.pg_wal_lsn_diff(r.latest_end_lsn, i.replayed), 0)::bigint end as lag
            from pg_catalog.pg_stat_wal_receiver r
        ) u on true`;

/** https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL */
export const recovery = definePart({
  what: 'replay',
  row: {
    standby: z.boolean(),
    receiving: z.boolean().nullable().describe('Whether WAL streams in.'),
    replay_lsn: text,
    last_commit_replayed_at: z.iso.datetime().nullable().describe('When it was committed on the primary.'),
    replay_lag_size: bytes.describe('Received and not yet replayed.'),
    replay_lag_s: seconds.describe(
      '0 when all that streams in is replayed, else the age of the last commit replayed, which a long transaction makes old too.',
    ),
    upstream_lag_size: bytes.describe('Written upstream, as last heard, and not yet replayed.'),
    replay_paused: z.boolean().nullable(),
    pause_state: text.describe('Replay goes on for a while when a pause is requested. PostgreSQL 14 on.'),
    apply_delay_s: seconds.describe('recovery_min_apply_delay, by which replay waits on purpose.'),
  },
  sql: byServerVersion({
    12: recoveryWith(sql`null::text`),
    14: recoveryWith(sql`case when i.standby then pg_catalog.pg_get_wal_replay_pause_state() end`),
  }),
});
export type Recovery = RowOf<typeof recovery>;

const receiverWith = (written: Sql, flushed: Sql) => sql`
      select r.status, r.sender_host as upstream_host, r.sender_port as upstream_port, r.slot_name, r.received_tli as timeline,
             r.receive_start_lsn::text as receive_start_lsn, ${written}::text as written_lsn, ${flushed}::text as flushed_lsn,
             r.latest_end_lsn::text as latest_end_lsn, ${secondsSince(sql`r.last_msg_receipt_time`)} as silence_s, r.conninfo
        from pg_catalog.pg_stat_wal_receiver r`;

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-WAL-RECEIVER-VIEW */
export const walReceiver = definePart({
  what: 'the WAL receiver',
  row: {
    status: text,
    upstream_host: text.describe('A directory where it is a Unix socket.'),
    upstream_port: z.int().nullable(),
    slot_name: text,
    timeline: z.int().nullable(),
    receive_start_lsn: text,
    written_lsn: text.describe('PostgreSQL 13 on.'),
    flushed_lsn: text,
    latest_end_lsn: text.describe('Where WAL ended upstream, as of the last message.'),
    silence_s: seconds.describe('Since the last message from upstream.'),
    conninfo: text.meta({ names: 'text' }).describe('Secrets are masked.'),
  },
  // what 12 calls received is flushed, too
  sql: byServerVersion({
    12: receiverWith(sql`null`, sql`r.received_lsn`),
    13: receiverWith(sql`r.written_lsn`, sql`r.flushed_lsn`),
  }),
});

function setting(name: Sql): Sql {
  return sql`nullif(pg_catalog.current_setting(${name}, true), '')`;
}

/** Null where the login may not see the setting. */
function isSet(name: Sql): Sql {
  return sql`(select s.setting <> '' from pg_catalog.pg_settings s where s.name = ${name})`;
}

/** At most one of these is set. */
const TARGETS = sql`(values ('immediate', ${setting(sql`'recovery_target'`)}), ('time', ${setting(sql`'recovery_target_time'`)}),
                        ('lsn', ${setting(sql`'recovery_target_lsn'`)}), ('xid', ${setting(sql`'recovery_target_xid'`)}),
                        ('name', ${setting(sql`'recovery_target_name'`)})) t (kind, value)`;

/** https://www.postgresql.org/docs/current/runtime-config-replication.html#RUNTIME-CONFIG-REPLICATION-STANDBY */
export const recoverySettings = definePart({
  what: 'the settings of replay',
  row: {
    primary_slot_name: text,
    primary_conninfo_set: z.boolean().nullable().describe('Null where the login may not see it.'),
    restore_command_set: z.boolean().nullable(),
    hot_standby_feedback: z.boolean(),
    max_standby_streaming_delay: z.string().describe('For how long replay waits for queries; -1 for ever.'),
    max_standby_archive_delay: z.string(),
    wal_receiver_status_interval: z.string(),
    wal_receiver_timeout: z.string(),
    recovery_target: text.describe('What replay is to end at: immediate, time, lsn, xid or name.'),
    recovery_target_value: text.meta({ names: 'text' }),
    recovery_target_action: z.string(),
    recovery_target_timeline: z.string(),
    recovery_prefetch: text.describe('PostgreSQL 15 on.'),
    sync_replication_slots: z.boolean().nullable().describe('PostgreSQL 17 on.'),
  },
  sql: byServerVersion({
    12: sql`
      select ${setting(sql`'primary_slot_name'`)} as primary_slot_name, ${isSet(sql`'primary_conninfo'`)} as primary_conninfo_set,
             ${isSet(sql`'restore_command'`)} as restore_command_set,
             pg_catalog.current_setting('hot_standby_feedback')::boolean as hot_standby_feedback,
             pg_catalog.current_setting('max_standby_streaming_delay') as max_standby_streaming_delay,
             pg_catalog.current_setting('max_standby_archive_delay') as max_standby_archive_delay,
             pg_catalog.current_setting('wal_receiver_status_interval') as wal_receiver_status_interval,
             pg_catalog.current_setting('wal_receiver_timeout') as wal_receiver_timeout,
             g.kind as recovery_target, g.value as recovery_target_value,
             pg_catalog.current_setting('recovery_target_action') as recovery_target_action,
             pg_catalog.current_setting('recovery_target_timeline') as recovery_target_timeline,
             ${setting(sql`'recovery_prefetch'`)} as recovery_prefetch, ${setting(sql`'sync_replication_slots'`)}::boolean as sync_replication_slots
        from (select) standby
        left join (select t.kind, t.value from ${TARGETS} where t.value is not null limit 1) g on true
       where pg_catalog.pg_is_in_recovery()`,
  }),
});
export type RecoverySettings = RowOf<typeof recoverySettings>;

const count = z.int().min(0);

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-RECOVERY-PREFETCH */
export const recoveryPrefetch = definePart({
  what: 'prefetching during replay',
  row: {
    prefetch: count.describe('Blocks that were read ahead.'),
    hit: count.describe('Blocks that were in memory already.'),
    skip_init: count.describe('Blocks that were to be initialised anyway.'),
    skip_new: count,
    skip_fpw: count.describe('Blocks of which WAL had a full image.'),
    skip_rep: count,
    wal_distance: z.int().meta({ unit: 'bytes' }).describe('How far ahead it looks.'),
    block_distance: count,
    io_depth: count,
    counted_since: z.iso.datetime().nullable(),
  },
  sql: byServerVersion({
    // no row before it came
    12: sql`
      select null::bigint as prefetch, null::bigint as hit, null::bigint as skip_init, null::bigint as skip_new, null::bigint as skip_fpw,
             null::bigint as skip_rep, null::bigint as wal_distance, null::bigint as block_distance, null::bigint as io_depth,
             pg_catalog.now() as counted_since
       where false`,
    15: sql`
      select p.prefetch, p.hit, p.skip_init, p.skip_new, p.skip_fpw, p.skip_rep, p.wal_distance, p.block_distance, p.io_depth,
             p.stats_reset as counted_since
        from pg_catalog.pg_stat_recovery_prefetch p
       where pg_catalog.pg_is_in_recovery()`,
  }),
});
