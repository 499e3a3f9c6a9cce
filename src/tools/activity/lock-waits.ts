import { sql, type Sql } from '../kit/index.ts';

interface Waits {
  /** pg_locks, or a CTE with all its columns. */
  readonly locks: Sql;
  /** Of `l`, a lock that is waited for, and `a`, its session: who waits. */
  readonly waiter: Sql;
  readonly since: Sql;
}

/** The CTEs `waiters (pid, since)`, `asked` and `waiting (pid, since, blockers)`, whose blockers are empty where nobody was asked. */
export function lockWaits({ locks, waiter, since }: Waits): Sql {
  return sql`waiters as materialized (
        select ${waiter} as pid, pg_catalog.min(${since}) as since
          from ${locks} l
          left join pg_catalog.pg_stat_activity a on a.pid = l.pid
         where not l.granted and l.pid is not null
         group by 1
      ),
      asked as materialized (
        -- only these: pg_blocking_pids takes every partition of the lock table, and names all that are ahead in the queue
        select w.pid, pg_catalog.pg_blocking_pids(w.pid) as blockers
          from (select * from waiters order by since nulls last, pid limit 100) w
      ),
      waiting as materialized (
        select w.pid, w.since, coalesce(k.blockers, '{}') as blockers
          from waiters w
          left join asked k on k.pid = w.pid
         where k.blockers is distinct from '{}' -- by now it has its lock
      )`;
}
