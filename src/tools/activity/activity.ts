import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  defineDiagnostic,
  secondsSince,
  sql,
  statementLength,
  type Sql,
} from '../kit/index.ts';
import { judgeActivity, notAsked } from './judge-activity.ts';
import { lockWaits } from './lock-waits.ts';
import { aboutWaiters, sessionRow, STATES } from './session-row.ts';

export default defineDiagnostic({
  name: 'activity',
  area: 'activity',
  title: 'Sessions and blockers',
  description: 'What sessions do now and how long, what they wait for, who blocks whom.',
  alsoKnownAs: { get_active_connections: {} },
  clusterWide: true,
  seldom: ['background', 'min_age_s', 'statement_length'],
  input: {
    state: z.enum(STATES).optional(),
    idle: z.boolean().default(false).describe('List idle sessions too.'),
    background: z.boolean().default(false).describe('List background processes too.'),
    min_age_s: z
      .int()
      .min(0)
      .default(0)
      .describe('Leave out sessions whose transaction, or else statement, is younger.'),
    of_database: z.string().min(1).max(63).optional(),
    user: z.string().min(1).max(63).optional(),
    statement_length: statementLength,
  },
  thresholds: {
    // what PostgreSQL itself takes for long: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-DEADLOCK-TIMEOUT
    min_wait_s: z.number().min(0).default(1).describe('Blocking is urgent once somebody has waited for longer.'),
    idle_in_transaction_s: z.int().min(0).default(60).describe('Warn of transactions that have been idle for longer.'),
    long_transaction_s: z.int().min(0).default(600).describe('Warn of transactions that have been open for longer.'),
    max_xmin_age: z.int().min(0).default(1_000_000).describe('Warn of a snapshot that is older, in transactions.'),
  },
  row: sessionRow,
  about: aboutWaiters,
  counted: true,
  sql: (params) => {
    const sessions = (since: Sql, leaderPid: Sql, queryId: Sql) => sql`
      with recursive ${lockWaits({ locks: sql`pg_catalog.pg_locks`, waiter: sql`l.pid`, since })},
      edges as materialized (
        select distinct w.pid as waiter, b.pid as blocker
          from waiting w
         cross join lateral pg_catalog.unnest(w.blockers) as b (pid)
      ),
      roots as materialized (
        select distinct e.blocker as pid from edges e where not exists (select from waiting w where w.pid = e.blocker)
      ),
      behind (root, pid) as (
        select r.pid, e.waiter from roots r join edges e on e.blocker = r.pid
        union
        select b.root, e.waiter from behind b join edges e on e.blocker = b.pid
      ),
      queued as (
        select b.root as pid, b.pid as waiter from behind b
        union all
        select e.blocker, e.waiter from edges e where not exists (select from roots r where r.pid = e.blocker)
      ),
      queues as (
        select q.pid, pg_catalog.count(*)::integer as waiting_behind, pg_catalog.min(w.since) as since
          from queued q
          join waiting w on w.pid = q.waiter
         group by q.pid
      ),
      sessions as materialized (
        select a.pid, a.backend_type, a.usename as user, a.datname as database, a.application_name as application,
               a.client_addr as client_address, a.state, a.wait_event_type, a.wait_event,
               a.backend_start, a.xact_start, a.query_start, a.state_change, a.backend_xid, a.backend_xmin,
               ${leaderPid} as leader_pid, ${queryId} as query_id,
               case when a.query not in ('<insufficient privilege>', '') then a.query end as statement,
               a.query = '<insufficient privilege>' as hidden
          from pg_catalog.pg_stat_activity a
         where a.pid <> pg_catalog.pg_backend_pid()
        union all
        select 0, 'prepared transaction', null, null, null, null, null, null, null,
               null, pg_catalog.min(p.prepared), null, null, null, null, null, null, null, false
          from pg_catalog.pg_prepared_xacts p
         where exists (select from edges e where e.blocker = 0)
        having pg_catalog.count(*) > 0
      ),
      listed as (
        select s.*, coalesce(q.waiting_behind, 0) as waiting_behind, q.since as behind_since, w.blockers, w.since as waiting_since
          from sessions s
          left join queues q on q.pid = s.pid
          left join waiting w on w.pid = s.pid
         where q.waiting_behind > 0
            or ((${params.state}::text is null or s.state = ${params.state}::text)
                and (${params.idle}::boolean or ${params.state}::text is not null or s.state is distinct from 'idle')
                and (${params.background}::boolean or s.backend_type = 'client backend' or (s.hidden and s.user is not null and s.database is not null))
                and coalesce(extract(epoch from pg_catalog.clock_timestamp() - coalesce(s.xact_start, s.query_start)), 0) >= ${params.min_age_s}::integer
                and (${params.of_database}::text is null or s.database = ${params.of_database}::text)
                and (${params.user}::text is null or s.user = ${params.user}::text))
      )
      select l.pid, l.backend_type, l.user, l.database, l.application, pg_catalog.host(l.client_address) as client_address,
             l.state, l.wait_event_type, l.wait_event, pg_catalog.to_json(l.blockers) as blocked_by, l.waiting_behind,
             ${secondsSince(sql`l.behind_since`)} as longest_wait_s, ${secondsSince(sql`l.waiting_since`)} as wait_s,
             l.backend_start,
             ${secondsSince(sql`l.xact_start`)} as transaction_s,
             case when l.state = 'active' then ${secondsSince(sql`l.query_start`)} end as statement_s,
             ${secondsSince(sql`l.state_change`)} as state_s,
             greatest(pg_catalog.age(l.backend_xmin), pg_catalog.age(l.backend_xid)) as xmin_age,
             l.leader_pid, l.query_id::text as query_id, l.statement,
             (select pg_catalog.count(*) from waiters) as waiters, (select pg_catalog.count(*) from asked) as waiters_asked,
             pg_catalog.count(*) over () as total_rows
        from listed l
       order by ${closedLast(sql`l.database`)}, l.waiting_behind desc, l.xact_start nulls last, l.state_change nulls last, l.pid
       limit ${params.limit}`;
    return byServerVersion({
      12: sessions(sql`a.query_start`, sql`null::integer`, sql`null::bigint`),
      13: sessions(sql`a.query_start`, sql`a.leader_pid`, sql`null::bigint`),
      // null in the first moment of a wait
      14: sessions(sql`coalesce(l.waitstart, pg_catalog.clock_timestamp())`, sql`a.leader_pid`, sql`a.query_id`),
    });
  },
  sees: [{ what: 'states, waits, times and statements of other roles’ sessions', privilege: 'pg_read_all_stats' }],
  findings: judgeActivity,
  notExamined: (_, { about }) => notAsked(about),
});
