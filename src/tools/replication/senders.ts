import { z } from 'zod';
import { closedLast, byServerVersion, definePart, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import { DATABASE_SERVED } from '../server/replication.ts';
import { SLOT_COLUMNS, slotState } from '../server/slots.ts';
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
             s.slot_name as slot, ${DATABASE_SERVED} as database, r.state, r.sync_state,
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
        -- one that makes temporary slots may hold several
        left join lateral (
          select o.slot_name from pg_catalog.pg_replication_slots o where o.active_pid = r.pid order by o.temporary, o.slot_name limit 1
        ) s on true
       order by ${closedLast(DATABASE_SERVED)}, lag_size desc nulls last, r.application_name, r.pid
       limit ${limit}`,
  }),
});
export type Standby = RowOf<typeof standbys>;

interface Versions {
  readonly retained?: Sql;
  readonly safe?: Sql;
  readonly twoPhase?: Sql;
  readonly conflicting?: Sql;
  readonly fate?: Sql;
  readonly failover?: Sql;
}

const { since12, since13, since16, since17 } = SLOT_COLUMNS;

/** https://www.postgresql.org/docs/current/view-pg-replication-slots.html */
const slotsWith = ({
  retained = since12.retained,
  safe = sql`null::bigint as safe_wal_size`,
  twoPhase = sql`false as two_phase`,
  conflicting = since12.conflicting,
  fate = since12.fate,
  failover = sql`false as failover`,
}: Versions) => sql`
      select s.slot_name as slot, s.slot_type as type, s.plugin, s.database, s.temporary, s.active, s.active_pid,
             ${retained}, ${behind(RECEIVED_OR_WRITTEN, sql`s.confirmed_flush_lsn`)} as unconfirmed_size,
             ${safe}, ${twoPhase}, ${conflicting}, ${fate}, ${failover},
             greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)) as xmin_age
        from pg_catalog.pg_replication_slots s
       cross join (${walPositions}) i
       order by ${closedLast(sql`s.database`)}, retained_size desc nulls last, s.slot_name
       limit ${limit}`;

const from13 = { retained: since13, safe: sql`s.safe_wal_size` };
const from14 = { ...from13, twoPhase: sql`s.two_phase` };
const from16 = { ...from14, conflicting: since16 };
const from17 = { ...from16, fate: since17, failover: sql`s.failover` };

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
    ...slotState,
    unconfirmed_size: bytes.describe('What the receiver of a logical slot has not confirmed.'),
    safe_wal_size: bytes.describe('What may still be written before the slot may lose WAL.'),
    two_phase: z.boolean(),
    failover: z.boolean().describe('Whether it is copied to standbys.'),
    xmin_age: z.int().nullable(),
  },
  sql: byServerVersion({
    12: slotsWith({}),
    13: slotsWith(from13),
    14: slotsWith(from14),
    16: slotsWith(from16),
    17: slotsWith(from17),
  }),
});
