import { z } from 'zod';
import { byServerVersion, definePart, percentOf, sql, type RowOf } from '../kit/index.ts';

const count = z.int().min(0);

/** Of the whole server, without our own. */
export const lockCounts = definePart({
  what: 'locks by type and mode',
  row: { locktype: z.string(), mode: z.string(), granted: count, waiting: count, fastpath: count, holders: count },
  sql: byServerVersion({
    12: sql`
      select l.locktype, l.mode, pg_catalog.count(*) filter (where l.granted) as granted,
             pg_catalog.count(*) filter (where not l.granted) as waiting, pg_catalog.count(*) filter (where l.fastpath) as fastpath,
             pg_catalog.count(distinct l.virtualtransaction) filter (where l.granted) as holders
        from pg_catalog.pg_locks l
       where l.pid is distinct from pg_catalog.pg_backend_pid()
       group by l.locktype, l.mode
       order by waiting desc, granted desc, 1, 2`,
  }),
});

/**
 * How full the table of locks is: one place for each object that is locked outside of the fast path of a session, and
 * for all sessions and prepared transactions together as many as max_locks_per_transaction each.
 * https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION
 */
export const lockTable = definePart({
  what: 'how full the lock table is',
  row: {
    locked_objects: count.describe('Outside of the fast path.'),
    places: count.describe('Of the lock table; some more where shared memory is left.'),
    percent: z.number().nullable().meta({ unit: 'percent' }),
    max_locks_per_transaction: count,
    weak_locks: count.describe('Of relations, that found no place in the fast path of their session.'),
    weak_lock_holders: count,
    lock_table_waiters: count.nullable().describe('Sessions that wait for the lock table itself.'),
  },
  sql: byServerVersion({
    12: sql`
      with locks as materialized (
        select * from pg_catalog.pg_locks l where not l.fastpath and l.mode <> 'SIReadLock'
      ),
      strong as (
        select distinct l.database, l.relation
          from locks l
         where l.locktype = 'relation' and l.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
      ),
      weak as (
        -- of shared catalogs, and beside a stronger lock, none is in the fast path
        select l.pid
          from locks l
         where l.locktype = 'relation' and l.database <> 0 and l.mode in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
           and not exists (select from strong s where s.database = l.database and s.relation = l.relation)
      ),
      counts as (
        select (select pg_catalog.count(*)
                  from (select distinct l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid
                          from locks l) o) as locked_objects,
               pg_catalog.current_setting('max_locks_per_transaction')::bigint as max_locks_per_transaction,
               pg_catalog.current_setting('max_connections')::bigint + pg_catalog.current_setting('max_worker_processes')::bigint
               + pg_catalog.current_setting('max_wal_senders')::bigint + pg_catalog.current_setting('max_prepared_transactions')::bigint + 1
               + coalesce(pg_catalog.current_setting('autovacuum_worker_slots', true), pg_catalog.current_setting('autovacuum_max_workers'))::bigint as transactions
      )
      select c.locked_objects, c.max_locks_per_transaction * c.transactions as places,
             ${percentOf(sql`c.locked_objects`, sql`(c.max_locks_per_transaction * c.transactions)`)} as percent,
             c.max_locks_per_transaction,
             (select pg_catalog.count(*) from weak) as weak_locks, (select pg_catalog.count(distinct w.pid) from weak w) as weak_lock_holders,
             (select pg_catalog.count(*) from pg_catalog.pg_stat_activity a where a.wait_event in ('LockManager', 'lock_manager')) as lock_table_waiters
        from counts c`,
  }),
});
export type LockTable = RowOf<typeof lockTable>;
