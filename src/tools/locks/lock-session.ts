import { z } from 'zod';
import { lockWaits } from '../activity/lock-waits.ts';
import { byServerVersion, definePart, secondsSince, sql, type RowOf, type Sql } from '../kit/index.ts';
import { conflictsWith } from './lock-conflicts.ts';

const text = z.string().nullable();
const seconds = z.number().min(0).nullable().meta({ unit: 's' });

/** Of each waiter; an ALTER TABLE may have everybody in its way. */
export const BLOCKERS_KNOWN = 100;
const most = sql`100`;

/** Who is in the way of a session. */
const blocker = z.object({ pid: z.int(), gid: text, holds: z.boolean() });

/** Sessions of one parallel query have the locks of one another, and are asked by the process id of their leader. */
const sessionsWith = (leader: Sql, since: Sql) => sql`
      with locks as materialized (
        select l.*, ${leader} as owner,
               row(l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid)::text as target
          from pg_catalog.pg_locks l
          left join pg_catalog.pg_stat_activity a on a.pid = l.pid
      ),
      ${lockWaits({ locks: sql`locks`, waiter: sql`l.owner`, since })},
      pairs as materialized (
        select distinct w.pid as waiter, b.pid as blocker
          from waiting w
         cross join lateral pg_catalog.unnest(w.blockers[1:${most}]) as b (pid)
      ),
      prepared as materialized (
        select l.virtualtransaction, x.gid, x.owner, x.database, x.prepared
          from locks l
          join pg_catalog.pg_prepared_xacts x on x.transaction = l.transactionid
         where l.pid is null and l.locktype = 'transactionid' and l.granted
      ),
      holders as materialized (
        -- pg_blocking_pids says 0 for every prepared transaction
        select distinct w.owner as waiter, coalesce(h.owner, 0) as blocker, x.gid
          from locks w
          join locks h on h.target = w.target and h.granted and h.mode = any (${conflictsWith(sql`w.mode`)})
          left join prepared x on h.pid is null and x.virtualtransaction = h.virtualtransaction
         where not w.granted
      ),
      edges as materialized (
        select p.waiter, p.blocker, h.gid, h.waiter is not null as holds
          from pairs p
          left join holders h on h.waiter = p.waiter and h.blocker = p.blocker
      ),
      wants as (
        select distinct on (l.owner) l.owner as pid, l.locktype, l.mode, l.relation, l.database
          from locks l
         where not l.granted
         order by l.owner, l.pid
      ),
      -- who waits for a row waits for the transaction that wrote it, and meanwhile has the tuple
      tuples as (
        select distinct on (l.owner) l.owner as pid, l.relation, l.database
          from locks l
         where l.granted and l.locktype = 'tuple'
         order by l.owner, l.relation
      ),
      nodes as (
        select e.waiter as pid, null::text as gid from edges e
        union
        select e.blocker, e.gid from edges e
      )
      select n.pid, n.gid, case when n.pid = 0 then 'prepared transaction' else a.backend_type end as backend_type,
             coalesce(a.usename, x.owner) as user, coalesce(a.datname, x.database) as database,
             a.application_name as application, pg_catalog.host(a.client_addr) as client_address, a.state, a.backend_start,
             ${secondsSince(sql`coalesce(a.xact_start, x.prepared)`)} as transaction_s,
             ${secondsSince(sql`a.state_change`)} as state_s, ${secondsSince(sql`w.since`)} as wait_s,
             l.locktype as lock_type, l.mode as lock_mode,
             (select pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname)
                from pg_catalog.pg_class c
                join pg_catalog.pg_namespace s on s.oid = c.relnamespace
               where c.oid = coalesce(l.relation, t.relation)
                 and coalesce(l.database, t.database) in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
             ) as relation,
             coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object('pid', e.blocker, 'gid', e.gid, 'holds', e.holds)
                                                  order by e.holds desc, e.blocker, e.gid)
                         from edges e
                        where e.waiter = n.pid), '[]') as blockers,
             case when a.query not in ('<insufficient privilege>', '') then a.query end as statement,
             (select pg_catalog.count(*) from waiters) as waiters, (select pg_catalog.count(*) from asked) as waiters_asked
        from nodes n
        left join pg_catalog.pg_stat_activity a on a.pid = n.pid
        left join prepared x on n.pid = 0 and x.gid = n.gid
        left join waiting w on w.pid = n.pid
        left join wants l on l.pid = w.pid
        left join tuples t on t.pid = w.pid
       order by w.since nulls last, n.pid, n.gid`;

const LEADER = sql`case when a.backend_type = 'parallel worker' then coalesce(a.leader_pid, l.pid) else l.pid end`;

/** Those who wait for a lock, and those who are in their way. */
export const lockSessions = definePart({
  what: 'sessions that wait for locks',
  row: {
    pid: z.int().describe('0 stands for a prepared transaction, which has no session.'),
    gid: text.meta({ names: 'text' }).describe('Of the prepared transaction.'),
    backend_type: text,
    user: text,
    database: text.meta({ names: 'database' }),
    application: text.meta({ names: 'text' }),
    client_address: text,
    state: text,
    backend_start: z.iso.datetime().nullable().describe('With pid, what tells this session from a later one.'),
    transaction_s: seconds,
    state_s: seconds,
    wait_s: seconds.describe('How long it has waited; before PostgreSQL 14, its statement has run.'),
    lock_type: text.describe('Of the lock that it waits for.'),
    lock_mode: text,
    relation: text.meta({ names: 'text' }).describe('What it waits for, or for a row of; null in another database.'),
    blockers: z.array(blocker),
    statement: text.meta({ names: 'statement' }).describe('The one that runs or, when idle, the last.'),
    waiters: z.int().min(0),
    waiters_asked: z.int().min(0),
  },
  sql: byServerVersion({
    12: sessionsWith(sql`l.pid`, sql`a.query_start`),
    13: sessionsWith(LEADER, sql`a.query_start`),
    // null in the first moment of a wait
    14: sessionsWith(LEADER, sql`coalesce(l.waitstart, pg_catalog.clock_timestamp())`),
  }),
});
export type LockSession = RowOf<typeof lockSessions>;
