import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type Sql } from '../kit/index.ts';
import { atOnce, concernsRole, granteeName, heldRoles, throughOf } from './held-roles.ts';
import { HOPS } from './memberships.ts';

const names = z.array(z.string());

const grant = {
  object: z.string().meta({ names: 'table' }),
  columns: names.nullable().meta({ names: 'column', table: 'object' }).describe('Null where it is about the whole.'),
  grantee: z.string(),
  privileges: names,
  grantable: names.describe('Those that it may grant on.'),
  grantor: z.string().nullable().describe('Null where nobody granted it: predefined roles have it everywhere.'),
  owner: z.boolean().describe('The grantee is the owner, who may grant all of them.'),
  default: z.boolean().describe('Nothing was ever granted or revoked: these are the rights that PostgreSQL gives.'),
  through: names.nullable().describe('Of the role asked for: which of its memberships give it this.'),
  at_once: z.boolean().nullable().describe('Of the role asked for: whether it has this without SET ROLE.'),
  total_rows: z.int(),
};

interface Target {
  /** `(oid, object, owner, acl, builtin, sequence)`; where `acl` is null, `builtin` holds. */
  readonly objects: Sql;
  /** Grants of columns: `(oid, attnum, attname, acl)`. */
  readonly columns?: Sql;
  /** What members of predefined roles may do without a grant: `(role, privilege)`. */
  readonly everywhere?: Sql;
}

/** https://www.postgresql.org/docs/current/ddl-priv.html */
const grantsWith = ({ objects, columns, everywhere }: Target, hops: Sql) => sql`
      with recursive ${heldRoles(hops)},
      target as materialized (${objects}),
      entries as (
        select t.object, t.owner, t.acl is null as builtin, null::name as column, 0 as place, a.grantee, a.grantor, a.privilege_type, a.is_grantable
          from target t
         cross join lateral pg_catalog.aclexplode(coalesce(t.acl, t.builtin)) a
        union all
        select t.object, t.owner, false, c.attname, c.attnum, a.grantee, a.grantor, a.privilege_type, a.is_grantable
          from target t
          join (${columns ?? NO_COLUMNS}) c on c.oid = t.oid
         cross join lateral pg_catalog.aclexplode(c.acl) a
        union all
        select t.object, t.owner, false, null, 0, r.oid, null, e.privilege, false
          from target t
         cross join (${everywhere ?? NOWHERE}) e (role, privilege)
          join pg_catalog.pg_roles r on r.rolname = e.role
         where (${param('role')}::text is not null or exists (select from hops h where h.role = r.oid))
           and not (t.sequence and e.privilege in ('INSERT', 'DELETE', 'MAINTAIN'))
      ),
      grants as (
        select e.object, e.owner, e.builtin, e.column, e.place, e.grantee, e.grantor,
               pg_catalog.array_agg(distinct e.privilege_type) as privileges,
               coalesce(pg_catalog.array_agg(distinct e.privilege_type) filter (where e.is_grantable), '{}') as grantable
          from entries e
         where ${concernsRole(sql`e.grantee`)}
         group by e.object, e.owner, e.builtin, e.column, e.place, e.grantee, e.grantor
      ),
      -- columns with the same grants in one row
      folded as (
        select g.object, g.owner, g.builtin, g.grantee, g.grantor, g.privileges, g.grantable, pg_catalog.min(g.place) as place,
               pg_catalog.json_agg(g.column order by g.place) filter (where g.column is not null) as columns
          from grants g
         group by g.object, g.owner, g.builtin, g.grantee, g.grantor, g.privileges, g.grantable, g.column is null
      )
      select g.object, g.columns, ${granteeName(sql`g.grantee`)} as grantee, pg_catalog.to_json(g.privileges) as privileges, pg_catalog.to_json(g.grantable) as grantable,
             case when g.grantor is not null then pg_catalog.pg_get_userbyid(g.grantor) end as grantor,
             g.grantee = g.owner as owner, g.builtin as default,
             ${throughOf(sql`g.grantee`)} as through, ${atOnce(sql`g.grantee`)} as at_once, pg_catalog.count(*) over () as total_rows
        from folded g
       order by g.object, g.grantee <> g.owner, g.grantee <> 0, g.grantor is null, grantee, g.place, grantor
       limit ${param('limit')}`;

const NO_COLUMNS = sql`select null::oid as oid, null::smallint as attnum, null::name as attname, null::aclitem[] as acl where false`;
const NOWHERE = sql`select null::name, null::text where false`;

function grantsOf(what: string, target: Target) {
  return definePart({
    what,
    row: grant,
    sql: byServerVersion({ 12: grantsWith(target, HOPS.since12), 16: grantsWith(target, HOPS.since16) }),
  });
}

export const relationGrants = grantsOf('privileges on the relation', {
  objects: sql`
        select c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as object, c.relowner as owner,
               c.relacl as acl, pg_catalog.acldefault(case when c.relkind = 'S' then 's' else 'r' end::"char", c.relowner) as builtin,
               c.relkind = 'S' as sequence
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.oid = any (${param('oids')}::oid[])
      `,
  columns: sql`select t.attrelid as oid, t.attnum, t.attname, t.attacl as acl
                   from pg_catalog.pg_attribute t
                  where t.attrelid = any (${param('oids')}::oid[]) and t.attacl is not null and not t.attisdropped`,
  // pg_maintain is there from PostgreSQL 17 on
  everywhere: sql`values ('pg_read_all_data'::name, 'SELECT'), ('pg_write_all_data', 'INSERT'), ('pg_write_all_data', 'UPDATE'),
                             ('pg_write_all_data', 'DELETE'), ('pg_maintain', 'MAINTAIN')`,
});

export const schemaGrants = grantsOf('privileges on the schema', {
  objects: sql`
        select n.oid, pg_catalog.quote_ident(n.nspname) as object, n.nspowner as owner, n.nspacl as acl,
               pg_catalog.acldefault('n', n.nspowner) as builtin, false as sequence
          from pg_catalog.pg_namespace n
         where n.oid = any (${param('oids')}::oid[])
      `,
  everywhere: sql`values ('pg_read_all_data'::name, 'USAGE'), ('pg_write_all_data', 'USAGE')`,
});

export const functionGrants = grantsOf('privileges on the function', {
  objects: sql`
        select p.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' as object,
               p.proowner as owner, p.proacl as acl, pg_catalog.acldefault('f', p.proowner) as builtin, false as sequence
          from pg_catalog.pg_proc p
          join pg_catalog.pg_namespace n on n.oid = p.pronamespace
         where p.oid = any (${param('oids')}::oid[])
      `,
});

export const databaseGrants = grantsOf('privileges on the database', {
  objects: sql`
        select d.oid, pg_catalog.quote_ident(d.datname) as object, d.datdba as owner, d.datacl as acl,
               pg_catalog.acldefault('d', d.datdba) as builtin, false as sequence
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()
      `,
});
