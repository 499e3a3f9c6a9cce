import { z } from 'zod';
import { LOCK_MODES } from '../locks/lock-conflicts.ts';
import { sql, type Sql } from '../kit/index.ts';

/** What a transaction has locked, beside itself. */
export const heldLocks = {
  locks: z.int().min(0).describe('Relations, rows, advisory locks and others.'),
  strongest_mode: z.enum(LOCK_MODES).nullable().describe('In which it has a relation locked.'),
  strongest_on: z
    .array(z.string())
    .nullable()
    .describe('The first relations that it has locked so; null in another database.'),
};

/** In the order of their strength. */
const MODES = sql`'{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'::text[]`;

/** Locks of a session go by its process id, those of a prepared transaction, which has none, by its virtual transaction. */
const OWNER = sql`coalesce(l.pid::text, l.virtualtransaction)`;

/**
 * The CTEs `granted`, `prepared (gid, …, lock_owner)` of prepared transactions, and `held (lock_owner, locks, strength)`.
 * Every transaction has a lock on its own ids, which is not counted.
 */
export const heldLocksOf = sql`granted as materialized (
        select ${OWNER} as lock_owner, l.*
          from pg_catalog.pg_locks l
         where l.granted and l.mode <> 'SIReadLock'
      ),
      prepared as materialized (
        select x.gid, x.owner, x.database, x.prepared, x.transaction, l.lock_owner
          from pg_catalog.pg_prepared_xacts x
          left join granted l on l.locktype = 'transactionid' and l.transactionid = x.transaction and l.pid is null
      ),
      held as materialized (
        select l.lock_owner, pg_catalog.count(*) as locks,
               pg_catalog.max(pg_catalog.array_position(${MODES}, l.mode)) filter (where l.locktype = 'relation') as strength
          from granted l
         where l.locktype not in ('virtualxid', 'transactionid')
         group by l.lock_owner
      )`;

/** The columns of `heldLocks`, where `h` is a row of `held` or missing. */
export function heldColumns(lockOwner: Sql): Sql {
  return sql`coalesce(h.locks, 0) as locks, (${MODES})[h.strength] as strongest_mode,
             (select pg_catalog.json_agg(n.name)
                from (
                  select pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name
                    from granted l
                    join pg_catalog.pg_class c on c.oid = l.relation
                    join pg_catalog.pg_namespace s on s.oid = c.relnamespace
                   where l.lock_owner = ${lockOwner} and l.locktype = 'relation' and l.mode = (${MODES})[h.strength]
                     and l.database in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
                   order by c.relkind in ('i', 'I', 't'), 1
                   limit 5
                ) n) as strongest_on`;
}
