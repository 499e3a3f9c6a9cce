import { z } from 'zod';
import { byServerVersion, definePart, isUserSchema, lockedRelations, param, sql } from '../kit/index.ts';
import { measuredRoots } from '../tables/measure.ts';

/** Measuring one asks the file system about each of its files. */
const MEASURED_AT_MOST = sql`2000`;

/** Sizes are estimated where a lock keeps them from us, and where there are too many files to ask about. */
export const estimateWhereMany = sql`(${param('estimate_sizes')}::boolean or (select pg_catalog.count(*) > ${MEASURED_AT_MOST} from members))`;

export const strategy = sql`case t.partstrat when 'r' then 'range' when 'l' then 'list' else 'hash' end`;

const count = z.int().min(0);

/** Each table that is partitioned and no partition itself, or the one of `oid`. */
export const partitionedTables = definePart({
  what: 'partitioned tables',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    strategy: z.enum(['range', 'list', 'hash']),
    key: z.string().nullable().meta({ names: 'text' }).describe('Null behind a lock.'),
    partitions: count.describe('That hold rows, at every level.'),
    levels: count.describe('1 where no partition is partitioned itself; 0 without any.'),
    default: z.boolean().describe('Whether rows that no partition is for have one.'),
    rows: count.nullable().describe('As of the last VACUUM or ANALYZE; null before the first of a partition.'),
    size: z.int().nullable().meta({ unit: 'bytes' }).describe('Of all partitions, with TOAST and indexes.'),
    size_estimated: z.boolean().describe('Thousands of partitions, or a lock: as of the last VACUUM or ANALYZE.'),
    total_rows: count,
  },
  sql: byServerVersion({
    12: sql`
      with recursive listed as materialized (
        select c.oid, n.nspname, c.relname
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'p' and c.relpersistence <> 't'
           and case when ${param('oid')}::oid is not null then c.oid = ${param('oid')}::oid
                    else not c.relispartition and ${isUserSchema(sql`n.nspname`)}
                         and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text) end
      ),
      roots as materialized (
        select l.*, pg_catalog.count(*) over () as total_rows from listed l order by l.nspname, l.relname limit ${param('limit')}
      ),
      ${measuredRoots(estimateWhereMany)},
      levels (root, oid, level) as (
        select r.oid, r.oid, 0 from roots r
        union all
        select l.root, h.inhrelid, l.level + 1
          from levels l
          join pg_catalog.pg_class p on p.oid = l.oid and p.relkind = 'p'
          join pg_catalog.pg_inherits h on h.inhparent = p.oid
      ),
      deepest as (
        select l.root, pg_catalog.max(l.level) as levels from levels l group by l.root
      )
      select r.nspname as schema, r.relname as table, ${strategy} as strategy,
             -- it opens the table
             case when not (${param('estimate_sizes')}::boolean or exists (select from (${lockedRelations}) k where k.oid = r.oid))
                  then pg_catalog.regexp_replace(pg_catalog.pg_get_partkeydef(r.oid), '^[A-Z]+ ', '') end as key,
             coalesce(m.partitions, 0) as partitions, d.levels, t.partdefid <> 0 as default,
             m.rows, coalesce(m.size, 0) as size, coalesce(m.size_estimated, false) as size_estimated, r.total_rows
        from roots r
        join pg_catalog.pg_partitioned_table t on t.partrelid = r.oid
        join deepest d on d.root = r.oid
        left join measured m on m.root = r.oid
       order by r.nspname, r.relname`,
  }),
});
