import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  param,
  secondsSince,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { byName, byOid } from '../replication/logical.ts';

const text = z.string().nullable();
const seconds = z.number().nullable().meta({ unit: 's' });
const count = z.int().min(0).nullable();

interface Versions {
  readonly worker: Sql;
  readonly oids: Sql;
  readonly streaming: Sql;
  readonly twoPhase: Sql;
  readonly disableOnError: Sql;
  readonly origin: Sql;
  readonly failover: Sql;
  /** Columns of the row of pg_stat_subscription_stats, as `e`. */
  readonly errors: Sql;
  readonly errorsFrom: Sql;
}

/** subconninfo, which may hold a password, is never read: https://www.postgresql.org/docs/current/catalog-pg-subscription.html */
const subscriptionsWith = (columns: Versions) => {
  const { oids } = columns;
  // each database has its own pg_subscription_rel
  const tables = (state: Sql) => sql`case when d.datname = pg_catalog.current_database()
                  then (select pg_catalog.count(*) from pg_catalog.pg_subscription_rel r
                         where r.srsubid in (${oids}) and ${state}) end`;
  return sql`
      select s.subname as subscription, d.datname as database, pg_catalog.pg_get_userbyid(s.subowner) as owner,
             s.subenabled as enabled, ${columns.disableOnError} as disable_on_error, s.subslotname as slot,
             pg_catalog.to_json(s.subpublications) as publications, w.pid,
             ${secondsSince(sql`(select a.backend_start from pg_catalog.pg_stat_activity a where a.pid = w.pid)`)} as worker_s,
             (select pg_catalog.count(*) from pg_catalog.pg_stat_subscription n
               where n.subid in (${oids}) and n.relid is not null and n.pid is not null) as sync_workers,
             w.received_lsn::text as received_lsn, w.latest_end_lsn::text as reported_lsn,
             ${secondsSince(sql`w.last_msg_receipt_time`)} as silence_s, ${secondsSince(sql`w.last_msg_send_time`)} as message_age_s,
             ${tables(sql`true`)} as tables, ${tables(sql`r.srsubstate <> 'r'`)} as tables_not_ready,
             ${columns.errors},
             ${columns.streaming} as streaming, ${columns.twoPhase} as two_phase, ${columns.origin} as origin, ${columns.failover} as failover,
             pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_subscription s
        join pg_catalog.pg_database d on d.oid = s.subdbid
        left join ${columns.worker}
        ${columns.errorsFrom}
       order by ${closedLast(sql`d.datname`)}, d.datname = pg_catalog.current_database() desc, d.datname, s.subname
       limit ${param('limit')}`;
};

const stats = sql`left join pg_catalog.pg_stat_subscription_stats e on e.subid = s.oid`;
const counted = sql`e.apply_error_count as apply_errors, e.sync_error_count as sync_errors, e.stats_reset as counted_since`;
const onOff = (flag: Sql) => sql`case when ${flag} then 'on' else 'off' end`;

const since12: Versions = {
  ...byName,
  streaming: sql`null::text`,
  twoPhase: sql`null::text`,
  disableOnError: sql`null::boolean`,
  origin: sql`null::text`,
  failover: sql`null::boolean`,
  errors: sql`null::bigint as apply_errors, null::bigint as sync_errors, null::timestamp with time zone as counted_since, null::json as conflicts`,
  errorsFrom: sql``,
};
const since14: Versions = { ...since12, ...byOid, streaming: onOff(sql`s.substream`) };
const since15: Versions = {
  ...since14,
  twoPhase: sql`case s.subtwophasestate when 'd' then 'off' when 'p' then 'pending' when 'e' then 'on' end`,
  disableOnError: sql`s.subdisableonerr`,
  errors: sql`${counted}, null::json as conflicts`,
  errorsFrom: stats,
};
const since16: Versions = {
  ...since15,
  // workers that apply large transactions beside it
  worker: sql`${byOid.worker} and w.leader_pid is null`,
  streaming: sql`case s.substream when 'f' then 'off' when 't' then 'on' when 'p' then 'parallel' end`,
  origin: sql`s.suborigin`,
};
const since17: Versions = { ...since16, failover: sql`s.subfailover` };
const since18: Versions = {
  ...since17,
  // https://www.postgresql.org/docs/current/logical-replication-conflicts.html
  errors: sql`${counted}, case when e.subid is not null then pg_catalog.json_build_object(
               'insert_exists', e.confl_insert_exists, 'update_exists', e.confl_update_exists, 'update_missing', e.confl_update_missing,
               'delete_missing', e.confl_delete_missing, 'update_origin_differs', e.confl_update_origin_differs,
               'delete_origin_differs', e.confl_delete_origin_differs, 'multiple_unique_conflicts', e.confl_multiple_unique_conflicts) end as conflicts`,
};

export const subscriptionRows = definePart({
  what: 'subscriptions',
  row: {
    subscription: z.string(),
    database: z.string().meta({ names: 'database' }),
    owner: z.string(),
    enabled: z.boolean(),
    disable_on_error: z.boolean().nullable().describe('PostgreSQL 15 on.'),
    slot: text.describe('On the publisher.'),
    publications: z.array(z.string()),
    pid: z.int().nullable().describe('Of the worker that applies changes; null when none runs.'),
    worker_s: seconds.describe('Since that worker started.'),
    sync_workers: count.describe('That copy tables for the first time.'),
    received_lsn: text,
    reported_lsn: text,
    silence_s: seconds.describe('Since the last message of the publisher.'),
    message_age_s: seconds.describe(
      'Since the publisher sent what was read last, by its clock. While nothing is written, messages come at least twice in wal_receiver_timeout.',
    ),
    tables: count.describe('Null in another database.'),
    tables_not_ready: count.describe('Whose first copy is not done.'),
    apply_errors: count.describe('Since statistics were reset; PostgreSQL 15 on.'),
    sync_errors: count,
    conflicts: z
      .record(z.string(), z.int())
      .nullable()
      .describe('By kind; of those missing, changes were left out. PostgreSQL 18 on.'),
    counted_since: z.iso.datetime().nullable(),
    streaming: text.describe('Of transactions that are not committed yet: off, on or parallel. PostgreSQL 14 on.'),
    two_phase: text.describe('off, pending or on. PostgreSQL 15 on.'),
    origin: text.describe('any or none. PostgreSQL 16 on.'),
    failover: z.boolean().nullable().describe('PostgreSQL 17 on.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: subscriptionsWith(since12),
    14: subscriptionsWith(since14),
    15: subscriptionsWith(since15),
    16: subscriptionsWith(since16),
    17: subscriptionsWith(since17),
    18: subscriptionsWith(since18),
  }),
});
export type SubscriptionRow = RowOf<typeof subscriptionRows>;
