import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  estimatedSize,
  isOfExtension,
  isUserSchema,
  lockedRelations,
  matchesName,
  param,
  sql,
} from '../kit/index.ts';
import { isOwnFunction } from './own-function.ts';

const schema = param('schema');
const count = z.int().min(0);

/** Measuring one asks the file system about each of its files. */
const MEASURED_AT_MOST = sql`1000`;

/** A type of its own: not the rows of a table, not the arrays of another type. */
export const isOwnType = sql`(t.typtype in ('b', 'd', 'e', 'r')
                   or (t.typtype = 'c' and exists (select from pg_catalog.pg_class r where r.oid = t.typrelid and r.relkind = 'c')))
                and not exists (select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid)`;

export const schemas = definePart({
  what: 'schemas',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    owner: z.string(),
    tables: count.describe('Without partitions, as all counts are without what belongs to extensions.'),
    partitioned_tables: count,
    views: count,
    materialized_views: count,
    foreign_tables: count,
    sequences: count,
    functions: count.describe('Procedures and aggregates, too.'),
    types: count,
    size: z.int().nullable().meta({ unit: 'bytes' }).describe('Of tables, with their TOAST and indexes.'),
    size_estimated: z.boolean().describe('Too many to measure, or behind a lock: as of the last VACUUM or ANALYZE.'),
    extensions: z.array(z.string()).describe('Installed in it.'),
    public_may: z.array(z.string()).describe('What everybody may do.'),
    usage: z.boolean().describe('Whether the login may use what is in it.'),
    comment: z.string().nullable().meta({ names: 'text' }),
    total_rows: count,
  },
  sql: byServerVersion({
    12: sql`
      with locked as materialized (${lockedRelations}
      ),
      page as materialized (
        select n.oid, n.nspname, n.nspowner, n.nspacl, pg_catalog.count(*) over () as total_rows
          from pg_catalog.pg_namespace n
         where case when ${schema}::text is not null then n.nspname = ${schema}::text
                    else ${isUserSchema(sql`n.nspname`)} and ${matchesName(sql`n.nspname`, param('name'))} end
         order by n.nspname
         limit ${param('limit')}
      ),
      relations as materialized (
        select c.oid, c.relnamespace, c.relkind, c.relispartition, c.relpages, c.reltoastrelid,
               ${isOfExtension(sql`'pg_catalog.pg_class'`, sql`c.oid`)} as member
          from pg_catalog.pg_class c
         where c.relnamespace in (select p.oid from page p)
      ),
      counted as (
        select r.relnamespace,
               pg_catalog.count(*) filter (where r.relkind = 'r') as tables, pg_catalog.count(*) filter (where r.relkind = 'p') as partitioned_tables,
               pg_catalog.count(*) filter (where r.relkind = 'v') as views, pg_catalog.count(*) filter (where r.relkind = 'm') as materialized_views,
               pg_catalog.count(*) filter (where r.relkind = 'f') as foreign_tables, pg_catalog.count(*) filter (where r.relkind = 'S') as sequences
          from relations r
         where not r.relispartition and not r.member
         group by r.relnamespace
      ),
      functions as (
        select f.pronamespace, pg_catalog.count(*) as functions
          from pg_catalog.pg_proc f
         where f.pronamespace in (select p.oid from page p) and ${isOwnFunction(sql`f.oid`)}
         group by f.pronamespace
      ),
      types as (
        select t.typnamespace, pg_catalog.count(*) as types
          from pg_catalog.pg_type t
         where t.typnamespace in (select p.oid from page p) and ${isOwnType}
           and not ${isOfExtension(sql`'pg_catalog.pg_type'`, sql`t.oid`)}
         group by t.typnamespace
      ),
      estimated as (
        select s.relnamespace, pg_catalog.sum(${estimatedSize(sql`s.relpages`)})::bigint as size
          from (
            select r.relnamespace, r.relpages from relations r where r.relkind in ('r', 'm', 'i')
            union all
            select r.relnamespace, t.relpages from relations r join pg_catalog.pg_class t on t.oid = r.reltoastrelid
            union all
            select r.relnamespace, x.relpages
              from relations r
              join pg_catalog.pg_index i on i.indrelid = r.reltoastrelid
              join pg_catalog.pg_class x on x.oid = i.indexrelid
          ) s
         group by s.relnamespace
      ),
      measurable as materialized (
        -- the smallest schemas first
        select a.relnamespace as oid
          from (
            select r.relnamespace, pg_catalog.sum(pg_catalog.count(*)) over (order by pg_catalog.count(*), r.relnamespace) as tables
              from relations r
             where r.relkind in ('r', 'm')
             group by r.relnamespace
          ) a
         where a.tables <= ${MEASURED_AT_MOST} and not ${param('estimate_sizes')}::boolean
           and not exists (
             select from relations r join locked l on l.oid in (r.oid, r.reltoastrelid) where r.relnamespace = a.relnamespace)
      ),
      measured as (
        select r.relnamespace, pg_catalog.sum(pg_catalog.pg_total_relation_size(r.oid))::bigint as size
          from relations r
         where r.relkind in ('r', 'm') and r.relnamespace in (select m.oid from measurable m)
         group by r.relnamespace
      )
      select p.nspname as schema, pg_catalog.pg_get_userbyid(p.nspowner) as owner,
             coalesce(c.tables, 0) as tables, coalesce(c.partitioned_tables, 0) as partitioned_tables, coalesce(c.views, 0) as views,
             coalesce(c.materialized_views, 0) as materialized_views, coalesce(c.foreign_tables, 0) as foreign_tables,
             coalesce(c.sequences, 0) as sequences, coalesce(f.functions, 0) as functions, coalesce(t.types, 0) as types,
             coalesce(m.size, e.size, 0) as size, m.size is null and e.size is not null as size_estimated,
             pg_catalog.to_json(array(select x.extname from pg_catalog.pg_extension x where x.extnamespace = p.oid order by 1)) as extensions,
             pg_catalog.to_json(array(
               select a.privilege_type
                 from pg_catalog.aclexplode(coalesce(p.nspacl, pg_catalog.acldefault('n', p.nspowner))) a
                where a.grantee = 0 order by 1)) as public_may,
             coalesce(pg_catalog.has_schema_privilege(p.oid, 'USAGE'), false) as usage,
             pg_catalog.obj_description(p.oid, 'pg_namespace') as comment, p.total_rows
        from page p
        left join counted c on c.relnamespace = p.oid
        left join functions f on f.pronamespace = p.oid
        left join types t on t.typnamespace = p.oid
        left join estimated e on e.relnamespace = p.oid
        left join measured m on m.relnamespace = p.oid
       order by p.nspname`,
  }),
});
