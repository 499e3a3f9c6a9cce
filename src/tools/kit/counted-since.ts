import { sql } from '../../postgres/sql.ts';

/**
 * One row, `counted_since` and `counted_s`: since when the counters of this database count. PostgreSQL 15 and later do
 * not say so of a database that was never reset: then it is what the server says of its own counters, which began when
 * it was made or had crashed, and a rate comes out too low rather than too high.
 */
export const countedSince = sql`(
         select b.counted_since, pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - b.counted_since)::numeric) as counted_s
           from (
             select coalesce(d.stats_reset, least(g.stats_reset, a.stats_reset)) as counted_since
               from pg_catalog.pg_stat_database d
              cross join pg_catalog.pg_stat_bgwriter g
              cross join pg_catalog.pg_stat_archiver a
              where d.datname = pg_catalog.current_database()
           ) b
       )`;
