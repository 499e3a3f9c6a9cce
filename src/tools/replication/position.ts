import { z } from 'zod';
import { byServerVersion, closedLast, definePart, param, secondsSince, sql, type RowOf } from '../kit/index.ts';
import { isOfServer } from '../server/setting-source.ts';
import { APPLY_DELAY, RECEIVED_OR_WRITTEN, REPLAY_LAG, walPositions } from '../server/wal-position.ts';
import { byConflicts, conflictCounts } from './conflict-counts.ts';

const seconds = z.number().nullable().meta({ unit: 's' });
const text = z.string().nullable();

/** https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL */
export const position = definePart({
  what: 'the place of this server in replication',
  row: {
    standby: z.boolean(),
    wal_lsn: text.describe('Where WAL was written or, on a standby, received up to.'),
    replay_lsn: text,
    replay_lag_size: z.int().nullable().meta({ unit: 'bytes' }).describe('Received and not yet replayed.'),
    replay_lag_s: seconds.describe(
      '0 when all that streams in is replayed, else the age of the last commit replayed, which a long transaction makes old too.',
    ),
    receiving: z.boolean().nullable().describe('Whether WAL streams in.'),
    replay_paused: z.boolean().nullable(),
    apply_delay_s: seconds.describe('recovery_min_apply_delay, by which replay waits on purpose.'),
    hot_standby_feedback: z.boolean(),
    wal_level: z.string(),
    synchronous_commit: text.describe('Null where the login or the database that is asked has a value of its own.'),
    synchronous_standby_names: text.describe('Of the standbys that commits wait for.'),
    max_slot_wal_keep_size: text.describe('Above it slots lose their WAL; null for never. PostgreSQL 13 on.'),
  },
  sql: byServerVersion({
    12: sql`
      select i.standby, (${RECEIVED_OR_WRITTEN})::text as wal_lsn, i.replayed::text as replay_lsn,
             pg_catalog.pg_wal_lsn_diff(i.received, i.replayed)::bigint as replay_lag_size,
             ${REPLAY_LAG} as replay_lag_s, i.receiving,
             case when i.standby then pg_catalog.pg_is_wal_replay_paused() end as replay_paused,
             ${APPLY_DELAY} as apply_delay_s,
             pg_catalog.current_setting('hot_standby_feedback')::boolean as hot_standby_feedback,
             pg_catalog.current_setting('wal_level') as wal_level,
             (select s.setting from pg_catalog.pg_settings s
               where s.name = 'synchronous_commit' and ${isOfServer(sql`s.source`)}) as synchronous_commit,
             nullif(pg_catalog.current_setting('synchronous_standby_names'), '') as synchronous_standby_names,
             nullif(pg_catalog.current_setting('max_slot_wal_keep_size', true), '-1') as max_slot_wal_keep_size
        from (${walPositions}) i`,
  }),
});
export type Position = RowOf<typeof position>;

/** What the walreceiver says; its conninfo stays where it is. */
export const receiver = definePart({
  what: 'the WAL receiver',
  row: {
    status: text,
    upstream_host: text.describe('A directory where it is a Unix socket.'),
    upstream_port: z.int().nullable(),
    slot: text,
    timeline: z.int().nullable(),
    silence_s: seconds.describe('Since the last message from upstream.'),
    reported_lsn: text.describe('Where the WAL of upstream ended, as it last said.'),
  },
  sql: byServerVersion({
    12: sql`
      select r.status, r.sender_host as upstream_host, r.sender_port as upstream_port, r.slot_name as slot,
             r.received_tli as timeline, ${secondsSince(sql`r.last_msg_receipt_time`)} as silence_s,
             r.latest_end_lsn::text as reported_lsn
        from pg_catalog.pg_stat_wal_receiver r`,
  }),
});

/** https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT */
export const conflicts = definePart({
  what: 'conflicts with replay',
  row: conflictCounts,
  sql: byConflicts(
    ({ columns, total }) => sql`
      select ${columns}
        from pg_catalog.pg_stat_database_conflicts c
       where ${total} > 0
       order by ${closedLast(sql`c.datname`)}, c.datname
       limit ${param('limit')}`,
  ),
});
export type Conflicts = RowOf<typeof conflicts>;
