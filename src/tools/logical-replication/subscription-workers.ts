import { z } from 'zod';
import { closedLast, byServerVersion, definePart, param, secondsSince, sql, type Sql } from '../kit/index.ts';

const text = z.string().nullable();
const seconds = z.number().nullable().meta({ unit: 's' });

/** Relations of another database have no name here. */
const workersWith = (type: Sql, leader: Sql) => sql`
      select w.subname as subscription, a.datname as database, ${type} as worker_type, w.pid, ${leader} as leader_pid,
             n.nspname as schema, c.relname as table, w.received_lsn::text as received_lsn,
             ${secondsSince(sql`w.last_msg_send_time`)} as message_age_s, ${secondsSince(sql`a.backend_start`)} as worker_s,
             a.wait_event_type, a.wait_event
        from pg_catalog.pg_stat_subscription w
        -- without those that have not connected to their database yet, or have just ended
        join pg_catalog.pg_stat_activity a on a.pid = w.pid and a.datname is not null
        left join pg_catalog.pg_class c on c.oid = w.relid and a.datname = pg_catalog.current_database()
        left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where w.pid is not null
       order by ${closedLast(sql`a.datname`)}, a.datname, w.subname, w.relid nulls first, w.pid
       limit ${param('limit')}`;

const ofRelation = (otherwise: Sql) =>
  sql`case when w.relid is not null then 'table synchronization' ${otherwise} else 'apply' end`;

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-SUBSCRIPTION */
export const subscriptionWorkers = definePart({
  what: 'workers of subscriptions',
  row: {
    subscription: z.string(),
    database: z.string().meta({ names: 'database' }),
    worker_type: z.string(),
    pid: z.int(),
    leader_pid: z.int().nullable().describe('Of the worker that it helps.'),
    schema: text.meta({ names: 'schema' }).describe('Of the table that it copies; null in another database.'),
    table: text.meta({ names: 'table' }),
    received_lsn: text,
    message_age_s: seconds,
    worker_s: seconds,
    wait_event_type: text.describe('Lock: a session here holds it up.'),
    wait_event: text,
  },
  sql: byServerVersion({
    12: workersWith(ofRelation(sql``), sql`null::integer`),
    16: workersWith(ofRelation(sql`when w.leader_pid is not null then 'parallel apply'`), sql`w.leader_pid`),
    17: workersWith(sql`w.worker_type`, sql`w.leader_pid`),
  }),
});

/** https://www.postgresql.org/docs/current/catalog-pg-subscription-rel.html */
export const tablesNotReady = definePart({
  what: 'tables whose first copy is not done',
  row: {
    subscription: z.string(),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    state: z.string(),
    pid: z.int().nullable().describe('Of the worker that copies it.'),
  },
  sql: byServerVersion({
    12: sql`
      select u.subname as subscription, n.nspname as schema, c.relname as table,
             case r.srsubstate when 'i' then 'initialize' when 'd' then 'copying' when 'f' then 'copied' when 's' then 'synchronized' else r.srsubstate::text end as state,
             (select w.pid from pg_catalog.pg_stat_subscription w where w.subid = r.srsubid and w.relid = r.srrelid limit 1) as pid
        from pg_catalog.pg_subscription_rel r
        -- whose oid everybody may read
        join (select distinct s.subid, s.subname from pg_catalog.pg_stat_subscription s) u on u.subid = r.srsubid
        join pg_catalog.pg_class c on c.oid = r.srrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where r.srsubstate <> 'r'
       order by pid nulls last, u.subname, r.srsubstate, n.nspname, c.relname
       limit ${param('limit')}`,
  }),
});

/** https://www.postgresql.org/docs/current/runtime-config-replication.html#RUNTIME-CONFIG-REPLICATION-SUBSCRIBER */
export const subscriberLimits = definePart({
  what: 'limits of workers',
  row: {
    workers: z.int().min(0).describe('That run, of all subscriptions.'),
    max_logical_replication_workers: z.int(),
    max_sync_workers_per_subscription: z.int(),
    max_parallel_apply_workers_per_subscription: z.int().nullable().describe('PostgreSQL 16 on.'),
    wal_receiver_timeout_s: seconds,
  },
  sql: byServerVersion({
    12: sql`
      select (select pg_catalog.count(w.pid) from pg_catalog.pg_stat_subscription w) as workers,
             pg_catalog.current_setting('max_logical_replication_workers')::integer as max_logical_replication_workers,
             pg_catalog.current_setting('max_sync_workers_per_subscription')::integer as max_sync_workers_per_subscription,
             pg_catalog.current_setting('max_parallel_apply_workers_per_subscription', true)::integer as max_parallel_apply_workers_per_subscription,
             extract(epoch from pg_catalog.current_setting('wal_receiver_timeout')::interval) as wal_receiver_timeout_s`,
  }),
});
