import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from '../server/wal-position.ts';

const bytes = z.int().nullable().meta({ unit: 'bytes' });
const seconds = z.number().nullable().meta({ unit: 's' });
const text = z.string().nullable();
const time = z.iso.datetime().nullable();
const limit = param('limit');

function behind(here: Sql, there: Sql): Sql {
  return sql`pg_catalog.pg_wal_lsn_diff(${here}, ${there})::bigint`;
}

function lagOf(interval: Sql): Sql {
  return sql`pg_catalog.round(extract(epoch from ${interval})::numeric, 3)`;
}

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW */
export const standbys = definePart({
  what: 'standbys and other receivers of WAL',
  row: {
    application: text.meta({ names: 'text' }),
    client_address: text,
    user: text,
    pid: z.int(),
    slot: text,
    database: text.meta({ names: 'database' }).describe('Of a receiver of logical changes.'),
    state: text,
    sync_state: text,
    lag_size: bytes.describe('Written here and not yet replayed there: the four below together.'),
    unsent_size: bytes,
    unwritten_size: bytes.describe('Sent, and not yet written there.'),
    unflushed_size: bytes,
    unreplayed_size: bytes,
    write_lag_s: seconds.describe('Lags are null when nothing was written for a while.'),
    flush_lag_s: seconds,
    replay_lag_s: seconds,
    replied_at: time,
    xmin_age: z.int().nullable().describe('By hot_standby_feedback; VACUUM here keeps what it may still see.'),
  },
  sql: byServerVersion({
    12: sql`
      select r.application_name as application, pg_catalog.host(r.client_addr) as client_address, r.usename as user, r.pid,
             s.slot_name as slot, s.database, r.state, r.sync_state,
             ${behind(RECEIVED_OR_WRITTEN, sql`r.replay_lsn`)} as lag_size,
             ${behind(RECEIVED_OR_WRITTEN, sql`r.sent_lsn`)} as unsent_size,
             ${behind(sql`r.sent_lsn`, sql`r.write_lsn`)} as unwritten_size,
             ${behind(sql`r.write_lsn`, sql`r.flush_lsn`)} as unflushed_size,
             ${behind(sql`r.flush_lsn`, sql`r.replay_lsn`)} as unreplayed_size,
             ${lagOf(sql`r.write_lag`)} as write_lag_s, ${lagOf(sql`r.flush_lag`)} as flush_lag_s,
             ${lagOf(sql`r.replay_lag`)} as replay_lag_s, r.reply_time as replied_at,
             pg_catalog.age(r.backend_xmin) as xmin_age
        from pg_catalog.pg_stat_replication r
       cross join (${walPositions}) i
        left join pg_catalog.pg_replication_slots s on s.active_pid = r.pid
       order by lag_size desc nulls last, r.application_name, r.pid
       limit ${limit}`,
  }),
});
export type Standby = RowOf<typeof standbys>;

interface SlotColumns {
  readonly since13?: Sql;
  readonly since14?: Sql;
  readonly since16?: Sql;
  readonly since17?: Sql;
}

const NO_TIME = sql`null::timestamp with time zone`;

/** https://www.postgresql.org/docs/current/view-pg-replication-slots.html */
const slotsWith = ({
  since13 = sql`null::text as wal_status, null::bigint as safe_wal_size`,
  since14 = sql`false as two_phase`,
  since16 = sql`null::boolean as conflicting`,
  since17 = sql`null::text as invalidation_reason, ${NO_TIME} as inactive_since, false as failover, false as synced`,
}: SlotColumns) => sql`
      select s.slot_name as slot, s.slot_type as type, s.plugin, s.database, s.temporary, s.active, s.active_pid,
             ${behind(RECEIVED_OR_WRITTEN, sql`s.restart_lsn`)} as retained_size,
             ${behind(RECEIVED_OR_WRITTEN, sql`s.confirmed_flush_lsn`)} as unconfirmed_size,
             ${since13}, ${since14}, ${since16}, ${since17},
             greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)) as xmin_age
        from pg_catalog.pg_replication_slots s
       cross join (${walPositions}) i
       order by retained_size desc nulls last, s.slot_name
       limit ${limit}`;

const since13 = sql`s.wal_status, s.safe_wal_size`;
const since14 = sql`s.two_phase`;
const since16 = sql`s.conflicting`;
const since17 = sql`s.invalidation_reason, s.inactive_since, s.failover, s.synced`;

export const slots = definePart({
  what: 'replication slots',
  row: {
    slot: z.string(),
    type: z.string(),
    plugin: text,
    database: text.meta({ names: 'database' }),
    temporary: z.boolean(),
    active: z.boolean(),
    active_pid: z.int().nullable(),
    retained_size: bytes.describe('WAL that is kept for the slot.'),
    unconfirmed_size: bytes.describe('What the receiver of a logical slot has not confirmed.'),
    wal_status: text.describe('PostgreSQL 13 on.'),
    safe_wal_size: bytes.describe('What may still be written before the slot may lose WAL.'),
    two_phase: z.boolean(),
    conflicting: z.boolean().nullable().describe('Whether it was lost to replay, on a standby. PostgreSQL 16 on.'),
    invalidation_reason: text.describe('PostgreSQL 17 on.'),
    inactive_since: time.describe('PostgreSQL 17 on.'),
    failover: z.boolean().describe('Whether it is copied to standbys.'),
    synced: z.boolean().describe('Copied from the primary, so nobody uses it here.'),
    xmin_age: z.int().nullable(),
  },
  sql: byServerVersion({
    12: slotsWith({}),
    13: slotsWith({ since13 }),
    14: slotsWith({ since13, since14 }),
    16: slotsWith({ since13, since14, since16 }),
    17: slotsWith({ since13, since14, since16, since17 }),
  }),
});
