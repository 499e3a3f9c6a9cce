import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type Sql } from '../kit/index.ts';

/** What the server itself says that a role may do at once, on what `oids` are, or the database. */
const rightsWith = (relation: Sql) => sql`
      select r.rolname as role, r.rolsuper as superuser, r.rolbypassrls as bypass_rls,
             case ${param('kind')}::text
               when 'relation' then pg_catalog.to_json(array(
                 select p.name from pg_catalog.unnest(array[${relation}]) p (name)
                  where case when c.relkind <> 'S' and p.name <> 'USAGE' then pg_catalog.has_table_privilege(r.oid, c.oid, p.name)
                             when c.relkind = 'S' and p.name in ('SELECT', 'UPDATE', 'USAGE') then pg_catalog.has_sequence_privilege(r.oid, c.oid, p.name) end
                 union all
                 select p.name || ' of some columns' from pg_catalog.unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p (name)
                  where c.relkind <> 'S' and not pg_catalog.has_table_privilege(r.oid, c.oid, p.name)
                    and pg_catalog.has_any_column_privilege(r.oid, c.oid, p.name)))
               when 'schema' then pg_catalog.to_json(array(
                 select p.name from pg_catalog.unnest(array['USAGE', 'CREATE']) p (name) where pg_catalog.has_schema_privilege(r.oid, o.oid, p.name)))
               when 'function' then (
                 select pg_catalog.to_json(case when pg_catalog.bool_and(pg_catalog.has_function_privilege(r.oid, u.oid, 'EXECUTE')) then array['EXECUTE']
                                                when pg_catalog.bool_or(pg_catalog.has_function_privilege(r.oid, u.oid, 'EXECUTE')) then array['EXECUTE of some of them']
                                                else array[]::text[] end)
                   from pg_catalog.unnest(${param('oids')}::oid[]) u (oid))
               else pg_catalog.to_json(array(
                 select p.name from pg_catalog.unnest(array['CONNECT', 'CREATE', 'TEMPORARY']) p (name)
                  where pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database()::text, p.name)))
             end as may,
             pg_catalog.has_schema_privilege(r.oid, coalesce(c.relnamespace, f.pronamespace), 'USAGE') as schema_usage
        from pg_catalog.pg_roles r
        left join (select pg_catalog.min(u.oid) as oid from pg_catalog.unnest(${param('oids')}::oid[]) u (oid)) o on true
        left join pg_catalog.pg_class c on ${param('kind')}::text = 'relation' and c.oid = o.oid
        left join pg_catalog.pg_proc f on ${param('kind')}::text = 'function' and f.oid = o.oid
       where r.rolname = ${param('role')}::name`;

export const effectiveRights = definePart({
  what: 'what the role may do',
  row: {
    role: z.string(),
    superuser: z.boolean().describe('Then no grant is asked for.'),
    bypass_rls: z.boolean(),
    may: z.array(z.string()).describe('What PostgreSQL lets it do without SET ROLE.'),
    schema_usage: z.boolean().nullable().describe('Without it, nothing in the schema can be reached by name.'),
  },
  sql: byServerVersion({
    12: rightsWith(sql`'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'USAGE'`),
    17: rightsWith(
      sql`'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN', 'USAGE'`,
    ),
  }),
});
