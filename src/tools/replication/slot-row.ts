import { z } from 'zod';
import { closedLast, byServerVersion, param, sql, type Sql } from '../kit/index.ts';
import { SLOT_COLUMNS, slotState } from '../server/slots.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from '../server/wal-position.ts';

const bytes = z.int().nullable().meta({ unit: 'bytes' });
const text = z.string().nullable();

/** https://www.postgresql.org/docs/current/view-pg-replication-slots.html */
export const slotRow = {
  slot_name: z.string(),
  slot_type: z.string(),
  plugin: text,
  database: text.meta({ names: 'database' }),
  temporary: z.boolean(),
  active: z.boolean(),
  active_pid: z.int().nullable(),
  application: text.meta({ names: 'text' }).describe('Of the session that uses it.'),
  client_address: text,
  ...slotState,
  safe_wal_size: bytes.describe('What may still be written before the slot may lose WAL. PostgreSQL 13 on.'),
  restart_lsn: text.describe('From where on WAL is kept for it.'),
  confirmed_flush_lsn: text,
  unconfirmed_size: bytes.describe('What the receiver of a logical slot has not confirmed.'),
  xmin_age: z.int().nullable().describe('VACUUM keeps what was deleted in so many transactions.'),
  catalog_xmin_age: z.int().nullable().describe('The same of the system catalogs.'),
  two_phase: z.boolean().nullable().describe('PostgreSQL 14 on.'),
  two_phase_at: text.describe('PostgreSQL 18 on.'),
  failover: z.boolean().nullable().describe('Whether it is copied to standbys. PostgreSQL 17 on.'),
} as const;
export type SlotRow = z.output<z.ZodObject<typeof slotRow>>;

/** What decides over slots, in bytes and seconds. */
export const aboutSlots = {
  max_slot_wal_keep_size: bytes.describe('Above it slots lose their WAL; null for never.'),
  idle_replication_slot_timeout: z.number().nullable().meta({ unit: 's' }).describe('Null for never.'),
  standbys: z.int().min(0).nullable().describe('That stream by a slot; null where the login does not see them.'),
} as const;
export type AboutSlots = z.output<z.ZodObject<typeof aboutSlots>>;

/** Of receivers that are no standby, such as pg_receivewal, nothing is replayed. */
const STANDBYS = sql`(select case when pg_catalog.count(*) = pg_catalog.count(r.state)
                          then pg_catalog.count(*) filter (where r.state = 'streaming' and r.replay_lsn is not null) end
                     from pg_catalog.pg_replication_slots p
                     join pg_catalog.pg_stat_replication r on r.pid = p.active_pid
                    where p.slot_type = 'physical')`;

interface Versions {
  /** Whether it has lost WAL or is about to, which comes first. */
  readonly losing: Sql;
  readonly retained: Sql;
  readonly safe: Sql;
  readonly conflicting: Sql;
  readonly fate: Sql;
  readonly twoPhase: Sql;
  readonly twoPhaseAt: Sql;
  readonly failover: Sql;
}

const slotsWith = (columns: Versions) => sql`
      select s.slot_name, s.slot_type, s.plugin, s.database, s.temporary, s.active, s.active_pid,
             a.application_name as application, pg_catalog.host(a.client_addr) as client_address,
             ${columns.retained}, ${columns.conflicting}, ${columns.fate},
             ${columns.safe} as safe_wal_size, s.restart_lsn::text as restart_lsn, s.confirmed_flush_lsn::text as confirmed_flush_lsn,
             pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, s.confirmed_flush_lsn)::bigint as unconfirmed_size,
             pg_catalog.age(s.xmin) as xmin_age, pg_catalog.age(s.catalog_xmin) as catalog_xmin_age,
             ${columns.twoPhase} as two_phase, ${columns.twoPhaseAt}::text as two_phase_at, ${columns.failover} as failover,
             pg_catalog.pg_size_bytes(nullif(pg_catalog.current_setting('max_slot_wal_keep_size', true), '-1')) as max_slot_wal_keep_size,
             extract(epoch from nullif(pg_catalog.current_setting('idle_replication_slot_timeout', true), '0')::interval) as idle_replication_slot_timeout,
             ${STANDBYS} as standbys, pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_replication_slots s
       cross join (${walPositions}) i
        left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
       order by ${closedLast(sql`s.database`)}, ${columns.losing} desc, retained_size desc nulls last, s.slot_name
       limit ${param('limit')}`;

const { since12, since13, since16, since17 } = SLOT_COLUMNS;

const from12: Versions = {
  ...since12,
  losing: sql`(s.slot_name is null)`,
  safe: sql`null::bigint`,
  twoPhase: sql`null::boolean`,
  twoPhaseAt: sql`null`,
  failover: sql`null::boolean`,
};
const from13: Versions = {
  ...from12,
  losing: sql`coalesce(s.wal_status in ('lost', 'unreserved'), false)`,
  retained: since13,
  safe: sql`s.safe_wal_size`,
};
const from14: Versions = { ...from13, twoPhase: sql`s.two_phase` };
const from16: Versions = { ...from14, conflicting: since16 };
const from17: Versions = { ...from16, fate: since17, failover: sql`s.failover` };

export const slotsByVersion = byServerVersion({
  12: slotsWith(from12),
  13: slotsWith(from13),
  14: slotsWith(from14),
  16: slotsWith(from16),
  17: slotsWith(from17),
  18: slotsWith({ ...from17, twoPhaseAt: sql`s.two_phase_at` }),
});
