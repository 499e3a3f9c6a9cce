import {
  estimatedSize,
  lockedRelations,
  partitionMembers,
  quoteName,
  sql,
  type NotExamined,
  type Sql,
} from '../kit/index.ts';

/** Autovacuum would long have analysed a table of this size, unless it has nothing but the rows it was loaded with. */
export const NEEDS_STATISTICS_BYTES = 1_048_576;

export const COUNTED_ON_PRIMARY: NotExamined = {
  what: 'dead rows, last vacuum, last analyze',
  reason: 'This server is a standby, and only the primary counts them.',
  remedy: 'Ask the primary.',
};

interface MeasuredRow {
  readonly schema: string;
  readonly table: string;
  readonly size_estimated: boolean;
}

const NAMED = 10;

/** Names those whose sizes a lock kept from us, or that have too many partitions to measure each. */
export function behindLocks(rows: readonly MeasuredRow[]): NotExamined[] {
  const locked = rows.filter(({ size_estimated }) => size_estimated);
  if (locked.length === 0) return [];
  const others = locked.length > NAMED ? ` and ${locked.length - NAMED} more` : '';
  return [
    {
      what: `the exact size of ${locked
        .slice(0, NAMED)
        .map(({ schema, table }) => quoteName(schema, table))
        .join(', ')}${others}`,
      reason:
        'A session holds or awaits an exclusive lock, or there are thousands of partitions; the sizes are those of the last VACUUM or ANALYZE.',
      remedy: 'activity shows who blocks whom.',
    },
  ];
}

/**
 * The tail of a `with recursive` list that ends in `measured`: one row for each `oid` of the list's `roots`, with its
 * partitions counted in. A locked relation has the sizes of its last VACUUM or ANALYZE. Fields are null where they do
 * not apply, as the size of a view, or are not known, as the rows of a table that was never vacuumed or analysed.
 */
export function measuredRoots(estimateSizes: Sql): Sql {
  return sql`locked as materialized (${lockedRelations}
  ),
  unmeasurable as materialized (
    -- a lock on an index, or on a TOAST table, stops the size of its table
    select coalesce(m.oid, i.indrelid, l.oid) as oid
      from locked l
      left join pg_catalog.pg_index i on i.indexrelid = l.oid
      left join pg_catalog.pg_class m on m.reltoastrelid = coalesce(i.indrelid, l.oid)
  ),
  ${partitionMembers},
  stored as materialized (
    select m.root, c.oid, c.relkind, c.reltuples, c.relpages, c.reltoastrelid, c.reloptions,
           ${estimateSizes} or exists (select from unmeasurable u where u.oid = c.oid) as estimated
      from members m
      join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'm', 'f')
  ),
  estimates as materialized (
    select p.oid, coalesce(pg_catalog.sum(${estimatedSize(sql`p.relpages`)}) filter (where not p.toast), 0)::bigint as index_size,
           coalesce(pg_catalog.sum(${estimatedSize(sql`p.relpages`)}) filter (where p.toast), 0)::bigint as toast_size
      from (
        select s.oid, x.relpages, i.indrelid <> s.oid as toast
          from (select distinct s.oid, s.reltoastrelid from stored s where s.estimated) s
         cross join lateral (select s.oid as of union all select s.reltoastrelid where s.reltoastrelid <> 0) o
          join pg_catalog.pg_index i on i.indrelid = o.of
          join pg_catalog.pg_class x on x.oid = i.indexrelid
        union all
        select s.oid, t.relpages, true
          from (select distinct s.oid, s.reltoastrelid from stored s where s.estimated) s
          join pg_catalog.pg_class t on t.oid = s.reltoastrelid
      ) p
     group by p.oid
  ),
  sizes as materialized (
    select s.*,
           case when s.relkind = 'f' then null
                when s.estimated then ${estimatedSize(sql`s.relpages`)} + coalesce(e.toast_size, 0)
                else pg_catalog.pg_table_size(s.oid) end as heap_size,
           case when s.relkind = 'f' then null
                when s.estimated then coalesce(e.toast_size, 0)
                when s.reltoastrelid = 0 then 0
                else pg_catalog.pg_total_relation_size(s.reltoastrelid) end as toast_size,
           case when s.relkind = 'f' then null when s.estimated then coalesce(e.index_size, 0) else pg_catalog.pg_indexes_size(s.oid) end as index_size
      from stored s
      left join estimates e on e.oid = s.oid
  ),
  counted as (
    select s.*, s.heap_size - s.toast_size as table_size, s.heap_size + s.index_size as size,
           -- before the first VACUUM or ANALYZE reltuples is -1 (14 on) or 0 with no pages; a file without bytes has no rows
           case when s.reltuples > 0 or (s.reltuples = 0 and s.relpages > 0) then s.reltuples::double precision
                when s.heap_size = s.toast_size and not s.estimated then 0 end as rows
      from sizes s
  ),
  measured as (
    select c.root,
           pg_catalog.sum(c.size)::bigint as size,
           pg_catalog.sum(c.table_size)::bigint as table_size,
           pg_catalog.sum(c.index_size)::bigint as index_size,
           pg_catalog.sum(c.toast_size)::bigint as toast_size,
           pg_catalog.bool_or(c.estimated) as size_estimated,
           case when pg_catalog.count(c.rows) = pg_catalog.count(*) then pg_catalog.round(pg_catalog.sum(c.rows)::numeric)::bigint end as rows,
           -- a standby counts none of these
           case when not pg_catalog.pg_is_in_recovery()
                then (pg_catalog.sum(pg_catalog.pg_stat_get_dead_tuples(c.oid)) filter (where c.relkind <> 'f'))::bigint end as dead_rows,
           pg_catalog.max(greatest(pg_catalog.pg_stat_get_last_vacuum_time(c.oid), pg_catalog.pg_stat_get_last_autovacuum_time(c.oid))) as last_vacuum,
           pg_catalog.max(greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid))) as last_analyze,
           pg_catalog.bool_and(not exists (
             select from pg_catalog.pg_options_to_table(c.reloptions) o
              where o.option_name = 'autovacuum_enabled' and not o.option_value::boolean))
             filter (where c.relkind <> 'f') as autovacuum,
           pg_catalog.count(*) filter (where c.oid <> c.root) as partitions
      from counted c
     group by c.root
  )`;
}
