import { sql, type NotExamined, type Param, type Sql } from '../kit/index.ts';
import { measuredRoots } from './measure.ts';

/** Measuring one asks the file system about each of its files, so of more than these only those shown are measured. */
const MEASURED_AT_MOST = sql`2000`;

export const NOT_ALL_MEASURED: NotExamined = {
  what: 'the exact size of what is not shown',
  reason:
    'Too many tables match to measure all: the total and the order by size are those of the last VACUUM or ANALYZE, and a table that had none counts as empty.',
  remedy: 'Ask for one schema, or a part of the name.',
};

/**
 * The tail of a `with recursive` list that ends in `page` and `exact`: the first `roots` (of pg_class, with `nspname`)
 * by a number of their row `m` of `measured`, and the sizes of those when there were too many to measure all, as
 * `too_many` of `amount` tells.
 */
export function measuredPage({
  orderBy,
  limit,
  estimateSizes,
}: Readonly<Record<'limit' | 'estimateSizes', Param>> & { readonly orderBy: Sql }): Sql {
  return sql`amount as materialized (
    -- with their partitions
    select pg_catalog.count(*) > ${MEASURED_AT_MOST} as too_many from members m
  ),
  ${measuredRoots(sql`(${estimateSizes}::boolean or (select a.too_many from amount a))`)},
  page as materialized (
    select r.*, m.*, (pg_catalog.sum(m.size) over ())::bigint as total_size,
           pg_catalog.bool_or(m.size_estimated) over () as any_estimated, pg_catalog.count(*) over () as total_rows
      from roots r
      left join measured m on m.root = r.oid
     order by ${orderBy} desc nulls last, r.nspname, r.relname
     limit ${limit}
  ),
  budget as (
    -- those of few partitions first
    select p.oid, pg_catalog.sum(coalesce(p.partitions, 0) + 1) over (order by p.partitions nulls first, p.oid) as files from page p
  ),
  exact as (
    select p.oid, pg_catalog.sum(t.heap_size - t.toast_size)::bigint as table_size, pg_catalog.sum(t.toast_size)::bigint as toast_size,
           pg_catalog.sum(t.index_size)::bigint as index_size, pg_catalog.sum(t.heap_size + t.index_size)::bigint as size
      from page p
      join members m on m.root = p.oid
      join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'm', 'f')
     cross join lateral (
       select case when c.relkind <> 'f' then pg_catalog.pg_table_size(c.oid) end as heap_size,
              case when c.relkind <> 'f' then pg_catalog.pg_indexes_size(c.oid) end as index_size,
              case when c.relkind = 'f' then null when c.reltoastrelid = 0 then 0
                   else pg_catalog.pg_total_relation_size(c.reltoastrelid) end as toast_size
     ) t
     where (select a.too_many from amount a) and not ${estimateSizes}::boolean
       and p.oid in (select b.oid from budget b where b.files <= ${MEASURED_AT_MOST})
       and p.oid not in (select b.root from members b join unmeasurable u on u.oid = b.oid)
     group by p.oid
  )`;
}
