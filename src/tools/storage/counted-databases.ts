import { sql } from '../kit/index.ts';

/**
 * Selects datid, counted_since and counted_s for each row of pg_stat_database, that of the shared catalogues (0) too.
 * From PostgreSQL 15 on it is null there until it is reset; then it is what the server says of its own counters.
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
