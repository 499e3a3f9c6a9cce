import { sql } from '../../postgres/sql.ts';

/**
 * Selects datid, counted_since and counted_s for each database, and for the catalogues that all share (0): since when its
 * counters count. PostgreSQL 15 and later do not say so of one that was never reset: then it is what the server says of
 * its own counters, which began when it was made or had crashed, and a rate comes out too low rather than too high.
 */
export const countedDatabases = sql`
         select c.datid, c.counted_since,
                pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - c.counted_since)::numeric)::bigint as counted_s
           from (
             select d.datid, coalesce(d.stats_reset, least(g.stats_reset, a.stats_reset)) as counted_since
               from pg_catalog.pg_stat_database d
              cross join pg_catalog.pg_stat_bgwriter g
              cross join pg_catalog.pg_stat_archiver a
           ) c`;

/** One row: the same of this database. */
export const countedSince = sql`(
         select c.counted_since, c.counted_s
           from (${countedDatabases}
           ) c
          where c.datid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
       )`;
