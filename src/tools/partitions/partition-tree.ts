import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type Sql } from '../kit/index.ts';
import { measuredRoots } from '../tables/measure.ts';
import { estimateWhereMany, strategy } from './partitioned-tables.ts';

const treeWith = (detachPending: Sql) => sql`
      with recursive tree (oid, parent, level, path, is_default, detach_pending) as (
        select c.oid, null::oid, 0, array[]::text[] collate pg_catalog."C", false, false from pg_catalog.pg_class c where c.oid = ${param('oid')}::oid
        union all
        -- in the order of their names, the default last
        select c.oid, t.oid, t.level + 1, t.path || (case when c.oid = p.partdefid then '1' else '0' end || c.relname::text collate pg_catalog."C"), c.oid = p.partdefid, ${detachPending}
          from tree t
          join pg_catalog.pg_partitioned_table p on p.partrelid = t.oid
          join pg_catalog.pg_inherits h on h.inhparent = t.oid
          join pg_catalog.pg_class c on c.oid = h.inhrelid
      ),
      roots as materialized (
        -- of many, the last: they hold what is new
        select t.*, pg_catalog.count(*) over () as total_rows from tree t where t.level > 0 order by t.path desc limit ${param('limit')}
      ),
      ${measuredRoots(estimateWhereMany)}
      select r.level, n.nspname as schema, c.relname as table, q.relname as parent,
             case when r.is_default then 'DEFAULT'
                  when not (${param('estimate_sizes')}::boolean or exists (select from locked l where l.oid = r.oid))
                  then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end as bound,
             r.is_default as default, r.detach_pending,
             case when c.relkind = 'f' then 'foreign' else (select ${strategy} from pg_catalog.pg_partitioned_table t where t.partrelid = c.oid) end as partitioned_by,
             m.rows, m.size, coalesce(m.size_estimated, false) as size_estimated, r.total_rows
        from roots r
        join pg_catalog.pg_class c on c.oid = r.oid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        join pg_catalog.pg_class q on q.oid = r.parent
        left join measured m on m.root = r.oid
       order by r.path`;

/** The partitions of the table `oid`, at every level, each below its parent. */
export const partitionTree = definePart({
  what: 'partitions',
  row: {
    level: z.int().min(1),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    parent: z.string().meta({ names: 'table' }),
    bound: z.string().nullable().meta({ names: 'bound' }).describe('Null behind a lock.'),
    default: z.boolean(),
    detach_pending: z.boolean().describe('DETACH CONCURRENTLY was interrupted; PostgreSQL 14 on.'),
    partitioned_by: z
      .enum(['range', 'list', 'hash', 'foreign'])
      .nullable()
      .describe('Where it has partitions itself; foreign: its rows are elsewhere.'),
    rows: z.int().min(0).nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
    size: z.int().nullable().meta({ unit: 'bytes' }),
    size_estimated: z.boolean(),
    total_rows: z.int().min(0),
  },
  sql: byServerVersion({ 12: treeWith(sql`false`), 14: treeWith(sql`h.inhdetachpending`) }),
});
