import { sql, type Sql } from '../../postgres/sql.ts';

/**
 * Selects the oids of relations that somebody holds or awaits ACCESS EXCLUSIVE on: size functions, pg_get_expr and
 * pg_partition_tree would wait behind them. https://www.postgresql.org/docs/current/explicit-locking.html
 */
export const lockedRelations = sql`
      select distinct l.relation as oid
        from pg_catalog.pg_locks l
       where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
         and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())`;

/** Bytes by what the last VACUUM or ANALYZE counted; for a locked relation. */
export function estimatedSize(relpages: Sql): Sql {
  return sql`${relpages}::bigint * pg_catalog.current_setting('block_size')::bigint`;
}

/**
 * The CTE `members (root, oid)`: each `oid` of the list's `roots` as its own first member, and below it the partitions
 * of tables and of indexes, at every depth. pg_partition_tree() would wait for a lock on each.
 */
export const partitionMembers = sql`members (root, oid) as (
        select r.oid, r.oid from roots r
        union all
        select m.root, h.inhrelid
          from members m
          join pg_catalog.pg_class p on p.oid = m.oid and p.relkind in ('p', 'I')
          join pg_catalog.pg_inherits h on h.inhparent = p.oid
      )`;
