import { z } from 'zod';
import { byServerVersion, definePart, isOfExtension, matchesName, param, sql } from '../kit/index.ts';
import { measuredPage } from '../tables/measured-page.ts';
import { isOwnFunction } from './own-function.ts';
import { isOwnType } from './schemas.ts';

const KINDS = [
  'table',
  'partitioned_table',
  'view',
  'materialized_view',
  'foreign_table',
  'sequence',
  'function',
  'procedure',
  'aggregate',
  'enum',
  'domain',
  'composite_type',
  'range',
  'base_type',
] as const;

const name = param('name');
const limit = param('limit');

/** The objects of the schema `schema`, the largest first; partitions are counted in their parent. */
export const objects = definePart({
  what: 'objects of the schema',
  row: {
    kind: z.enum(KINDS),
    name: z.string().meta({ names: 'table' }).describe('Of a function with the types of its arguments.'),
    owner: z.string(),
    size: z.int().nullable().meta({ unit: 'bytes' }).describe('With TOAST, indexes and partitions.'),
    size_estimated: z.boolean(),
    comment: z.string().nullable().meta({ names: 'text' }),
    total_rows: z.int().min(0),
  },
  sql: byServerVersion({
    12: sql`
      with recursive namespace as materialized (
        select n.oid, n.nspname from pg_catalog.pg_namespace n where n.nspname = ${param('schema')}::text
      ),
      roots as materialized (
        select c.oid, n.nspname, c.relname, c.relkind, c.relowner
          from pg_catalog.pg_class c
          join namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not c.relispartition
           and ${matchesName(sql`c.relname`, name)}
           and not ${isOfExtension(sql`'pg_catalog.pg_class'`, sql`c.oid`)}
      ),
      ${measuredPage({ orderBy: sql`m.size`, limit, estimateSizes: param('estimate_sizes') })},
      functions as materialized (
        select f.oid, f.proname, f.prokind, f.proowner
          from pg_catalog.pg_proc f
          join namespace n on n.oid = f.pronamespace
         where ${matchesName(sql`f.proname`, name)}
           and ${isOwnFunction(sql`f.oid`)}
      ),
      types as materialized (
        select t.oid, t.typname, t.typtype, t.typowner
          from pg_catalog.pg_type t
          join namespace n on n.oid = t.typnamespace
         where ${isOwnType}
           and ${matchesName(sql`t.typname`, name)}
           and not ${isOfExtension(sql`'pg_catalog.pg_type'`, sql`t.oid`)}
      ),
      listed as (
        select case p.relkind when 'r' then 'table' when 'p' then 'partitioned_table' when 'v' then 'view' when 'm' then 'materialized_view'
                              when 'f' then 'foreign_table' else 'sequence' end as kind,
               p.relname as name, p.relowner as owner, coalesce(x.size, p.size) as size,
               coalesce(p.size_estimated, false) and x.oid is null as size_estimated, p.oid, 'pg_class' as catalog
          from page p
          left join exact x on x.oid = p.oid
        union all
        select case f.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, f.proname, f.proowner, null, false, f.oid, 'pg_proc'
          from functions f
        union all
        select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite_type' when 'r' then 'range' else 'base_type' end,
               t.typname, t.typowner, null, false, t.oid, 'pg_type'
          from types t
      )
      select l.kind,
             l.name || case when l.catalog = 'pg_proc' then '(' || pg_catalog.pg_get_function_identity_arguments(l.oid) || ')' else '' end as name,
             pg_catalog.pg_get_userbyid(l.owner) as owner, l.size, l.size_estimated, pg_catalog.obj_description(l.oid, l.catalog) as comment,
             (select pg_catalog.count(*) from roots r) + (select pg_catalog.count(*) from functions f) + (select pg_catalog.count(*) from types t) as total_rows
        from (
          select * from listed l
           order by l.size desc nulls last, l.catalog, l.kind, l.name, l.oid
           limit ${limit}
        ) l
       order by l.size desc nulls last, l.catalog, l.kind, l.name, l.oid`,
  }),
});
