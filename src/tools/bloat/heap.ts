import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  estimatedSize,
  isUserSchema,
  lockedRelations,
  matchesName,
  param,
  sql,
  type RowOf,
} from '../kit/index.ts';

/** pg_stats asks for the right to each column, so that so many of the largest tables are estimated, and no more. */
export const EXAMINED_AT_MOST = 1000;
export const MOST = sql`1000`;

const count = z.int().min(0);

/** Counted: VACUUM or ANALYZE has said how many rows there are; before, reltuples is -1 (14 on) or 0 with no pages. */
const counted = sql`(c.reltuples > 0 or (c.reltuples = 0 and c.relpages > 0))`;

/** The CTE `heaps`: tables with storage, with their TOAST as `x`. Unlogged ones have no rows on a standby. */
export const heaps = sql`heaps as materialized (
        select c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relpages, c.relallvisible, c.reltuples, c.relnatts, c.reloptions, c.relam = 2 as heap, ${counted} as counted,
               x.oid as toast, coalesce(x.relpages, 0) as toast_pages, x.reltuples as toast_tuples,
               x.reltuples > 0 or (x.reltuples = 0 and x.relpages > 0) as toast_counted, c.relrowsecurity and pg_catalog.row_security_active(c.oid) as by_rows
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          left join pg_catalog.pg_class x on x.oid = c.reltoastrelid
         where c.relkind in ('r', 'm') and c.relpersistence <> 't' and not (c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery())
           and ${isUserSchema(sql`n.nspname`)}
           and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)
           and ${matchesName(sql`c.relname`, param('name'))}
      )`;

const isLocked = sql`(${param('estimate_sizes')}::boolean or exists (select from locked l where l.oid in (h.oid, h.toast)))`;

/** What a table takes, and what is known of its rows: enough to estimate how much less it could take. */
export const heap = definePart({
  what: 'tables and the widths of their columns',
  row: {
    oid: z.int(),
    toast_oid: z.int().nullable(),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    kind: z.enum(['table', 'partition', 'materialized_view']),
    size: count,
    toast_size: count,
    heap: z.boolean(),
    size_estimated: z.boolean(),
    pages: count,
    rows: count.nullable(),
    all_visible: count,
    toast_pages: count,
    toast_chunks: count.nullable(),
    dead_rows: count.nullable(),
    fillfactor: z.int(),
    attributes: count,
    columns: z.array(z.tuple([z.enum(['c', 's', 'i', 'd']), z.int(), z.number().nullable(), z.number().nullable()])),
    visible: z.boolean(),
    last_vacuum: z.iso.datetime().nullable(),
    block_size: z.int(),
    candidates: count,
  },
  sql: byServerVersion({
    12: sql`
      with locked as materialized (${lockedRelations}
      ),
      ${heaps},
      block as materialized (
        select pg_catalog.current_setting('block_size')::bigint as size
      ),
      largest as (
        select h.*, ${isLocked} as locked, pg_catalog.count(*) over () as candidates
          from heaps h
         cross join block b
         where h.counted and (h.relpages + h.toast_pages) * b.size >= ${param('min_size')}::bigint
         order by h.relpages + h.toast_pages desc, h.oid
         limit ${MOST}
      ),
      uncounted as (
        select u.*
          from (select h.*, ${isLocked} as locked, 0::bigint as candidates from heaps h where not h.counted order by h.oid limit 2 * ${MOST}) u
         where not u.locked and pg_catalog.pg_relation_size(u.oid) >= ${param('min_size')}::bigint
      ),
      examined as materialized (
        select l.* from largest l
        union all
        select u.* from uncounted u
      )
      select e.oid, e.toast as toast_oid, e.nspname as schema, e.relname as table,
             case when e.relispartition then 'partition' when e.relkind = 'm' then 'materialized_view' else 'table' end as kind,
             -- null where it was dropped a moment ago
             coalesce(case when e.locked then ${estimatedSize(sql`e.relpages`)} else pg_catalog.pg_relation_size(e.oid) end, 0) as size,
             coalesce(case when e.locked then ${estimatedSize(sql`e.toast_pages`)} else pg_catalog.pg_relation_size(e.toast) end, 0) as toast_size,
             e.heap, e.locked as size_estimated, e.relpages as pages, case when e.counted then e.reltuples::double precision::bigint end as rows,
             e.relallvisible as all_visible, e.toast_pages, case when e.toast_counted then e.toast_tuples::double precision::bigint end as toast_chunks,
             case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_stat_get_dead_tuples(e.oid) end as dead_rows,
             coalesce((select o.option_value::integer from pg_catalog.pg_options_to_table(e.reloptions) o where o.option_name = 'fillfactor'), 100) as fillfactor,
             e.relnatts as attributes, coalesce(k.columns, '[]') as columns, coalesce(k.visible, true) as visible,
             greatest(pg_catalog.pg_stat_get_last_vacuum_time(e.oid), pg_catalog.pg_stat_get_last_autovacuum_time(e.oid)) as last_vacuum,
             b.size as block_size, (pg_catalog.max(e.candidates) over ())::bigint as candidates
        from examined e
       cross join block b
        left join lateral (
          select pg_catalog.json_agg(
                   -- a virtual column is stored as a null
                   case when a.attgenerated = 'v' then pg_catalog.json_build_array(a.attalign, a.attlen, 0, 1)
                        else pg_catalog.json_build_array(a.attalign, a.attlen, s.avg_width, s.null_frac) end order by a.attnum) as columns,
                 not e.by_rows and pg_catalog.bool_and(coalesce(pg_catalog.has_column_privilege(e.oid, a.attnum, 'SELECT'), false)) as visible
            from pg_catalog.pg_attribute a
            left join (
              select p.attname, p.avg_width, p.null_frac
                from pg_catalog.pg_stats p
               where p.schemaname = e.nspname and p.tablename = e.relname and not p.inherited
            ) s on s.attname = a.attname
           where a.attrelid = e.oid and a.attnum > 0 and not a.attisdropped
        ) k on e.counted`,
  }),
});
export type Heap = RowOf<typeof heap>;
