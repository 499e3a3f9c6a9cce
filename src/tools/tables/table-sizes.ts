import { z } from 'zod';
import {
  byServerVersion,
  defineDiagnostic,
  matchesName,
  nameInput,
  percentOf,
  schemaInput,
  sql,
} from '../kit/index.ts';
import { judgeSizes, unknownSizes } from './judge-sizes.ts';
import { measuredPage } from './measured-page.ts';
import { aboutSizes, sizeRow } from './size-row.ts';

const MEBIBYTE = 1_048_576;

export default defineDiagnostic({
  name: 'table_sizes',
  area: 'tables',
  title: 'Table sizes',
  description: 'Where disk space goes: table, TOAST, indexes, maps, bytes per row; partitions summed up.',
  alsoKnownAs: { get_table_size_info: { schema_name: 'schema', database_name: 'database' } },
  seldom: ['partitions', 'order_by'],
  input: {
    schema: schemaInput.describe('Also pg_catalog, which is left out otherwise.'),
    name: nameInput,
    partitions: z.boolean().default(false).describe('List each partition, and not its parent.'),
    order_by: z.enum(['size', 'table_size', 'toast_size', 'index_size', 'rows', 'name']).default('size'),
  },
  thresholds: {
    max_index_percent: z.number().min(0).default(200).describe('Report indexes that take more, of table and TOAST.'),
    max_toast_percent: z
      .number()
      .min(0)
      .max(100)
      .default(90)
      .describe('Report TOAST with a larger share of its table.'),
    min_size: z
      .int()
      .min(0)
      .default(100 * MEBIBYTE)
      .describe('Findings leave out smaller tables, in bytes.'),
  },
  charts: [{ label: ['schema', 'table'], values: ['table_size', 'index_size', 'toast_size'] }],
  row: sizeRow,
  about: aboutSizes,
  counted: true,
  sql: ({ schema, name, partitions, order_by, limit, estimate_sizes }) =>
    byServerVersion({
      12: sql`
        with recursive roots as materialized (
          select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition
            from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'm', 'p')
             and case when ${partitions}::boolean then c.relkind <> 'p' else not c.relispartition end
             and case when ${schema}::text is not null then n.nspname = ${schema}::text
                      else n.nspname !~ '^pg_(?!temp_)' and n.nspname <> 'information_schema' end
             and ${matchesName(sql`c.relname`, name)}
        ),
        ${measuredPage({
          orderBy: sql`case ${order_by}::text when 'size' then m.size when 'table_size' then m.table_size when 'toast_size' then m.toast_size
                              when 'index_size' then m.index_size when 'rows' then m.rows end`,
          limit,
          estimateSizes: estimate_sizes,
        })},
        of_page as (
          select p.oid as root, c.oid, c.relhasindex, not (p.size_estimated and x.oid is null) as measured
            from page p
            left join exact x on x.oid = p.oid
            join members m on m.root = p.oid
            join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'm', 'f')
        ),
        detail as (
          select o.root,
                 -- the maps of free space and of visibility
                 pg_catalog.sum(case when o.measured then pg_catalog.pg_relation_size(o.oid, 'fsm') + pg_catalog.pg_relation_size(o.oid, 'vm') end)::bigint as map_size,
                 pg_catalog.sum((select pg_catalog.count(*) from pg_catalog.pg_index i where i.indrelid = o.oid and o.relhasindex))::bigint as indexes
            from of_page o
           group by o.root
        ),
        database as materialized (
          select case when pg_catalog.has_database_privilege(d.oid, 'CONNECT') or pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
                      then pg_catalog.pg_database_size(d.oid) end as size
            from pg_catalog.pg_database d
           where d.datname = pg_catalog.current_database()
        ),
        sized as (
          select p.*, d.map_size, d.indexes, b.size as database_size, (select a.too_many from amount a) as total_estimated,
                 coalesce(x.size, p.size) as all_size, coalesce(x.table_size, p.table_size) as heap_size,
                 coalesce(x.toast_size, p.toast_size) as toasted_size, coalesce(x.index_size, p.index_size) as indexed_size,
                 coalesce(p.size_estimated, false) and x.oid is null as estimated,
                 -- a file without bytes has no rows
                 coalesce(p.rows, case when x.table_size = 0 then 0 end) as live_rows
            from page p
            left join exact x on x.oid = p.oid
            left join detail d on d.root = p.oid
           cross join database b
        )
        select s.nspname as schema, s.relname as table,
               case when s.relispartition then 'partition'
                    else case s.relkind when 'r' then 'table' when 'p' then 'partitioned_table' else 'materialized_view' end end as kind,
               case s.relpersistence when 'u' then 'unlogged' when 't' then 'temporary' else 'permanent' end as persistence,
               s.all_size as size, ${percentOf(sql`s.all_size`, sql`s.database_size`)} as database_percent,
               s.heap_size - coalesce(s.map_size, 0) as table_size, s.map_size, s.toasted_size as toast_size, s.indexed_size as index_size,
               coalesce(s.indexes, 0) as indexes, ${percentOf(sql`s.indexed_size`, sql`(s.heap_size + s.toasted_size)`)} as index_percent,
               s.live_rows as rows,
               pg_catalog.round((s.heap_size - coalesce(s.map_size, 0) + s.toasted_size)::numeric / nullif(s.live_rows, 0)) as row_size,
               case when s.relkind = 'p' then coalesce(s.partitions, 0) end as partitions, s.estimated as size_estimated,
               s.database_size, s.total_size, s.total_estimated,
               case when ${schema}::text is null and ${name}::text is null and not s.any_estimated
                    then greatest(s.database_size - s.total_size, 0) end as other_size,
               s.total_rows
          from sized s
         order by case ${order_by}::text when 'size' then s.all_size when 'table_size' then s.heap_size when 'toast_size' then s.toasted_size
                                 when 'index_size' then s.indexed_size when 'rows' then s.live_rows end desc nulls last,
                  s.nspname, s.relname`,
    }),
  findings: judgeSizes,
  notExamined: (rows, { about, facts }) => unknownSizes(rows, about, facts.inRecovery),
});
