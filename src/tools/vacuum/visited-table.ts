import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import { judgedTable } from './due-table.ts';
import {
  judgedColumns,
  judgedTables,
  onPrimary,
  THRESHOLDS,
  timed,
  untimed,
  worthListing,
  type TimeOf,
} from './thresholds.ts';

export const ORDERS = ['latest', 'longest_ago', 'count', 'time', 'dead_rows', 'name'] as const;

const count = z.int().min(0).nullable();
const ms = z.number().min(0).nullable().meta({ unit: 'ms' }).describe('PostgreSQL 18 on.');

/** Hours, and not the field of the hours: 75 after three days and three hours. */
export function hoursSince(time: Sql): Sql {
  return sql`pg_catalog.round((extract(epoch from pg_catalog.clock_timestamp() - (${time})) / 3600)::numeric, 2)`;
}

const vacuumedAt = sql`greatest(pg_catalog.pg_stat_get_last_vacuum_time(j.oid), pg_catalog.pg_stat_get_last_autovacuum_time(j.oid))`;
const analyzedAt = sql`greatest(pg_catalog.pg_stat_get_last_analyze_time(j.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(j.oid))`;
const writes = sql`pg_catalog.pg_stat_get_tuples_inserted(j.oid) + pg_catalog.pg_stat_get_tuples_updated(j.oid) + pg_catalog.pg_stat_get_tuples_deleted(j.oid)`;
const vacuumed = sql`pg_catalog.pg_stat_get_vacuum_count(j.oid) + pg_catalog.pg_stat_get_autovacuum_count(j.oid)`;

/** Of all tables only what they are ordered by is asked for: each counter is a look into memory that is shared. */
const visited = (judged: Sql, timeOf: TimeOf) => sql`${judged},
      page as materialized (
        select j.*, pg_catalog.count(*) over () as total_rows,
               pg_catalog.row_number() over (order by case ${param('order_by')}::text
                 when 'latest' then extract(epoch from greatest(${vacuumedAt}, ${analyzedAt}))
                 -- what was never vacuumed comes first where something was written to it
                 when 'longest_ago' then coalesce(-extract(epoch from ${vacuumedAt}), case when ${writes} > 0 then 0 end)
                 when 'count' then ${vacuumed}
                 when 'time' then ${timeOf(sql`vacuum`)} + ${timeOf(sql`autovacuum`)}
                 when 'dead_rows' then j.dead
               end desc nulls last, j.nspname, j.relname, j.toast) as place
          from judged j
         where ${worthListing}
           and (${param('hours_back')}::double precision is null
                or greatest(${vacuumedAt}, ${analyzedAt}) >= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${param('hours_back')}::double precision * 3600))
         order by place
         limit ${param('limit')}
      )
      select ${judgedColumns(timeOf)}, ${hoursSince(vacuumedAt)} as hours_since_vacuum, ${hoursSince(analyzedAt)} as hours_since_analyze,
             ${onPrimary(sql`pg_catalog.pg_stat_get_vacuum_count(j.oid)`)} as vacuum_count, ${onPrimary(sql`pg_catalog.pg_stat_get_autovacuum_count(j.oid)`)} as autovacuum_count,
             ${onPrimary(sql`pg_catalog.pg_stat_get_analyze_count(j.oid)`)} as analyze_count, ${onPrimary(sql`pg_catalog.pg_stat_get_autoanalyze_count(j.oid)`)} as autoanalyze_count,
             ${onPrimary(timeOf(sql`vacuum`))} as total_vacuum_time, ${onPrimary(timeOf(sql`autovacuum`))} as total_autovacuum_time,
             ${onPrimary(timeOf(sql`analyze`))} as total_analyze_time, ${onPrimary(timeOf(sql`autoanalyze`))} as total_autoanalyze_time,
             ${onPrimary(sql`pg_catalog.round((${writes})::numeric / nullif(${vacuumed}, 0))::bigint`)} as writes_per_vacuum, j.total_rows
        from page j
       order by j.place`;

export const visitedTables = definePart({
  what: 'tables and when they were vacuumed and analysed',
  row: {
    ...judgedTable,
    hours_since_vacuum: z
      .number()
      .nullable()
      .describe('Since either; null where it was never vacuumed, as far as is known.'),
    hours_since_analyze: z.number().nullable(),
    vacuum_count: count.describe('Manual ones; VACUUM FULL is not counted.'),
    autovacuum_count: count,
    analyze_count: count,
    autoanalyze_count: count,
    total_vacuum_time: ms,
    total_autovacuum_time: ms,
    total_analyze_time: ms,
    total_autoanalyze_time: ms,
    writes_per_vacuum: count.describe('Rows inserted, updated and deleted, by VACUUM of either kind.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: visited(judgedTables(THRESHOLDS[12]), untimed),
    13: visited(judgedTables(THRESHOLDS[13]), untimed),
    18: visited(judgedTables(THRESHOLDS[18]), timed),
  }),
});
export type VisitedTable = RowOf<typeof visitedTables>;
