import { z } from 'zod';
import { byServerVersion, definePart, isOfExtension, isUserSchema, sql, type RowOf, type Sql } from '../kit/index.ts';

const names = z.array(z.string());
const total_rows = z.int();

/** Of `c` in `n`: a relation of the users of this database. */
const isOurs = sql`c.relkind in ('r', 'p', 'v', 'm', 'f') and ${isUserSchema(sql`n.nspname`)}`;
const toPublic = (acl: Sql, privileges: Sql) =>
  sql`exists (select from pg_catalog.aclexplode(${acl}) a where a.grantee = 0 and a.privilege_type in ${privileges})`;

/** TRIGGER lets everybody run a function of their own with the rights of whoever writes next. */
const CHANGES = sql`('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')`;

export const publicTables = definePart({
  what: 'tables that PUBLIC may change',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    privileges: names,
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      with granted as (
        select c.oid, n.nspname, c.relname, a.privilege_type as privilege
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         cross join lateral pg_catalog.aclexplode(c.relacl) a
         where ${isOurs} and a.grantee = 0 and a.privilege_type in ${CHANGES}
        union all
        select c.oid, n.nspname, c.relname, a.privilege_type || ' of ' || pg_catalog.quote_ident(t.attname)
          from pg_catalog.pg_attribute t
          join pg_catalog.pg_class c on c.oid = t.attrelid
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         cross join lateral pg_catalog.aclexplode(t.attacl) a
         where t.attacl is not null and not t.attisdropped and ${isOurs} and a.grantee = 0 and a.privilege_type in ('INSERT', 'UPDATE')
      )
      select g.nspname as schema, g.relname as table, pg_catalog.json_agg(distinct g.privilege) as privileges, pg_catalog.count(*) over () as total_rows
        from granted g
       where not ${isOfExtension(sql`'pg_catalog.pg_class'`, sql`g.oid`)}
       group by g.oid, g.nspname, g.relname
       order by g.nspname, g.relname
       limit 500`,
  }),
});

/** What everybody has by default, or by a choice that need not be wrong. */
export const publicRights = definePart({
  what: 'rights of PUBLIC',
  row: {
    connect: z.boolean(),
    temporary: z.boolean(),
    create: z.boolean(),
    readable_tables: z.int().min(0),
  },
  sql: byServerVersion({
    12: sql`
      select ${toPublic(sql`d.acl`, sql`('CONNECT')`)} as connect, ${toPublic(sql`d.acl`, sql`('TEMPORARY')`)} as temporary,
             ${toPublic(sql`d.acl`, sql`('CREATE')`)} as create,
             (select pg_catalog.count(*)
                from pg_catalog.pg_class c
                join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where ${isOurs} and c.relacl is not null and ${toPublic(sql`c.relacl`, sql`('SELECT')`)}
                 and not ${isOfExtension(sql`'pg_catalog.pg_class'`, sql`c.oid`)}) as readable_tables
        from (select coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) as acl
                from pg_catalog.pg_database d
               where d.datname = pg_catalog.current_database()) d`,
  }),
});

/** ALTER DEFAULT PRIVILEGES … TO PUBLIC, but for what PUBLIC has anyway, which are functions and types. */
export const publicDefaults = definePart({
  what: 'default privileges of PUBLIC',
  row: {
    role: z.string().describe('Whose new objects they are for.'),
    schema: z.string().nullable().meta({ names: 'schema' }).describe('Null for all schemas.'),
    objects: z.enum(['TABLES', 'SEQUENCES', 'SCHEMAS', 'LARGE OBJECTS']),
    privileges: names,
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.pg_get_userbyid(d.defaclrole) as role, n.nspname as schema,
             case d.defaclobjtype when 'r' then 'TABLES' when 'S' then 'SEQUENCES' when 'n' then 'SCHEMAS' else 'LARGE OBJECTS' end as objects,
             pg_catalog.json_agg(distinct a.privilege_type) as privileges, pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_default_acl d
        left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
       cross join lateral pg_catalog.aclexplode(d.defaclacl) a
       where d.defaclobjtype in ('r', 'S', 'n', 'L') and a.grantee = 0
       group by d.oid, d.defaclrole, n.nspname, d.defaclobjtype
       order by 1, 2, 3
       limit 200`,
  }),
});

/**
 * Rights on what initdb gave to nobody: catalogs with secrets, and functions that PUBLIC may not run at first.
 * https://www.postgresql.org/docs/current/catalog-pg-init-privs.html
 */
export const systemGrants = definePart({
  what: 'rights on catalogs with secrets and on system functions',
  row: {
    kind: z.enum(['catalog', 'function']),
    object: z.string().meta({ names: 'table' }),
    grantee: z.string(),
    everybody: z.boolean(),
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      select g.kind, g.object, case when g.grantee = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(g.grantee)::text end as grantee,
             g.grantee = 0 as everybody, pg_catalog.count(*) over () as total_rows
        from (
          select 'catalog' as kind, c.relname::text as object, a.grantee
            from pg_catalog.pg_class c
           cross join lateral pg_catalog.aclexplode(c.relacl) a
           where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
             and c.relname in ('pg_authid', 'pg_shadow', 'pg_user_mapping', 'pg_subscription')
          union
          select 'catalog', c.relname || '.' || t.attname, a.grantee
            from pg_catalog.pg_attribute t
            join pg_catalog.pg_class c on c.oid = t.attrelid
           cross join lateral pg_catalog.aclexplode(t.attacl) a
           where t.attacl is not null and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
             and c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
             and (c.relname, t.attname) in (('pg_authid', 'rolpassword'), ('pg_shadow', 'passwd'), ('pg_user_mapping', 'umoptions'), ('pg_subscription', 'subconninfo'))
          union
          select 'function', p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')', a.grantee
            from pg_catalog.pg_init_privs i
            join pg_catalog.pg_proc p on p.oid = i.objoid
           cross join lateral pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
           where i.classoid = 'pg_catalog.pg_proc'::regclass and i.privtype = 'i' and p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
             and a.privilege_type = 'EXECUTE' and a.grantee <> p.proowner
             and not exists (select from pg_catalog.aclexplode(i.initprivs) x where x.grantee in (0, a.grantee) and x.privilege_type = 'EXECUTE')
             -- of what one role was given, only what reads or writes files
             and (a.grantee = 0 or p.proname ~ '^(pg_(read|write|unlink|rename|sync)_|pg_(stat_file|ls_dir)|pg_file_|lo_(im|ex)port)')
        ) g
        left join pg_catalog.pg_roles r on r.oid = g.grantee
       where not coalesce(r.rolsuper or pg_catalog.starts_with(r.rolname::text, 'pg_'), false)
       order by everybody desc, g.kind, g.object, 3
       limit 200`,
  }),
});

export type PublicTable = RowOf<typeof publicTables>;
export type PublicDefault = RowOf<typeof publicDefaults>;
export type SystemGrant = RowOf<typeof systemGrants>;
export type PublicRights = RowOf<typeof publicRights>;
