import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  isOfExtension,
  isUserSchema,
  matchesName,
  param,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { granteeName } from './held-roles.ts';

const definersWith = (parsed: Sql) => sql`
      with definers as materialized (
        select p.oid, n.nspname, n.nspowner, p.proname, pg_catalog.oidvectortypes(p.proargtypes) as arguments, p.prokind, p.proowner, l.lanname,
               coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) as nspacl,
               coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) as proacl, ${parsed} as parsed,
               (select pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1)
                  from pg_catalog.unnest(p.proconfig) c (entry)
                 where pg_catalog.split_part(c.entry, '=', 1) = 'search_path') as search_path
          from pg_catalog.pg_proc p
          join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          join pg_catalog.pg_language l on l.oid = p.prolang
         where p.prosecdef and ${isUserSchema(sql`n.nspname`)}
           and not ${isOfExtension(sql`'pg_catalog.pg_proc'`, sql`p.oid`)}
           and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)
           and ${matchesName(sql`p.proname`, param('name'))}
      )
      select d.nspname as schema, d.proname as function, d.arguments, case d.prokind when 'p' then 'procedure' else 'function' end as kind,
             d.lanname as language, pg_catalog.pg_get_userbyid(d.proowner) as owner,
             coalesce(o.rolsuper, false) as owner_superuser, coalesce(o.rolsuper or o.rolbypassrls or o.rolcreaterole, false) as owner_powerful,
             d.search_path, d.parsed,
             pg_catalog.to_json(array(
               select q.name
                 from (select distinct a.grantee = 0 as everybody, ${granteeName(sql`a.grantee`)} as name
                         from pg_catalog.aclexplode(d.proacl) a
                        where a.grantee <> d.proowner) q
                order by q.everybody desc, q.name limit 10)) as executable_by,
             -- of what is in a schema nobody reaches anything without USAGE on it
             exists (select from pg_catalog.aclexplode(d.nspacl) a where a.privilege_type = 'USAGE' and a.grantee not in (d.nspowner, d.proowner)) as reachable,
             pg_catalog.count(*) over () as total_rows
        from definers d
        left join pg_catalog.pg_roles o on o.oid = d.proowner
       order by d.search_path is not null, d.parsed, owner_superuser desc, d.nspname, d.proname, d.arguments
       limit 5000`;

/** https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY */
export const definerFunctions = definePart({
  what: 'SECURITY DEFINER functions',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    function: z.string().meta({ names: 'function' }),
    arguments: z.string().describe('Types, as ALTER FUNCTION takes them.'),
    kind: z.enum(['function', 'procedure']),
    language: z.string(),
    owner: z.string().describe('With whose rights it runs.'),
    owner_superuser: z.boolean(),
    owner_powerful: z.boolean(),
    search_path: z.string().nullable().describe('Its own; null where it runs with that of its caller.'),
    parsed: z.boolean(),
    executable_by: z.array(z.string()).describe('Beside its owner; the first few.'),
    reachable: z.boolean(),
    total_rows: z.int(),
  },
  sql: byServerVersion({ 12: definersWith(sql`false`), 14: definersWith(sql`p.prosqlbody is not null`) }),
});
export type DefinerFunction = RowOf<typeof definerFunctions>;

/** Schemas that everybody may put objects into. */
export const openSchemas = definePart({
  what: 'schemas that PUBLIC may create in',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    owner: z.string(),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, pg_catalog.pg_get_userbyid(n.nspowner) as owner, pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_namespace n
       where ${isUserSchema(sql`n.nspname`)} and not ${isOfExtension(sql`'pg_catalog.pg_namespace'`, sql`n.oid`)}
         and exists (select from pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
                      where a.grantee = 0 and a.privilege_type = 'CREATE')
       order by n.nspname
       limit 500`,
  }),
});
export type OpenSchema = RowOf<typeof openSchemas>;
