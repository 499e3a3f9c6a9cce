import { z } from 'zod';
import { byServerVersion, definePart, isOfExtension, isUserSchema, param, sql, type Sql } from '../kit/index.ts';
import { atOnce, concernsRole, granteeName, heldRoles, throughOf } from './held-roles.ts';
import { HOPS } from './memberships.ts';

/** What can be granted in a database, but for what PostgreSQL or an extension brought: `(kind, oid, owner, acl)`. */
const OBJECTS = sql`
        select 'database' as kind, d.oid, d.datdba as owner, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) as acl
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()
        union all
        select 'schema', n.oid, n.nspowner, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
          from pg_catalog.pg_namespace n
         where ${isUserSchema(sql`n.nspname`)}
        union all
        select case when c.relkind = 'S' then 'sequence' when c.relkind in ('v', 'm') then 'view' else 'table' end, c.oid, c.relowner,
               coalesce(c.relacl, pg_catalog.acldefault(case when c.relkind = 'S' then 's' else 'r' end::"char", c.relowner))
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and ${isUserSchema(sql`n.nspname`)}
           and not ${isOfExtension(sql`'pg_catalog.pg_class'`, sql`c.oid`)}
        union all
        select 'column', t.attrelid, c.relowner, t.attacl
          from pg_catalog.pg_attribute t
          join pg_catalog.pg_class c on c.oid = t.attrelid
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where t.attacl is not null and not t.attisdropped and ${isUserSchema(sql`n.nspname`)}
        union all
        select 'function', p.oid, p.proowner, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
          from pg_catalog.pg_proc p
          join pg_catalog.pg_namespace n on n.oid = p.pronamespace
         where ${isUserSchema(sql`n.nspname`)} and not ${isOfExtension(sql`'pg_catalog.pg_proc'`, sql`p.oid`)}
        union all
        select 'type', t.oid, t.typowner, t.typacl from pg_catalog.pg_type t where t.typacl is not null
        union all
        select 'language', l.oid, l.lanowner, l.lanacl from pg_catalog.pg_language l where l.lanacl is not null
        union all
        select 'foreign_server', s.oid, s.srvowner, coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner)) from pg_catalog.pg_foreign_server s
      `;

const summaryWith = (hops: Sql) => sql`
      with recursive ${heldRoles(hops)},
      objects as materialized (${OBJECTS}),
      entries as (
        select o.kind, a.grantee, a.privilege_type as privilege, o.oid, a.is_grantable
          from objects o
         cross join lateral pg_catalog.aclexplode(o.acl) a
         where a.grantee <> o.owner
        union all
        select o.kind, o.owner, 'OWNER', o.oid, true from objects o where o.kind <> 'column'
      ),
      counted as (
        select e.kind, e.grantee, e.privilege, pg_catalog.count(distinct e.oid) as objects,
               pg_catalog.count(distinct e.oid) filter (where e.is_grantable and e.privilege <> 'OWNER') as grantable
          from entries e
         where ${concernsRole(sql`e.grantee`)}
         group by e.kind, e.grantee, e.privilege
      ),
      summed as (
        select c.kind, c.grantee, pg_catalog.max(c.objects) as objects, pg_catalog.sum(c.grantable) > 0 as grantable,
               pg_catalog.json_agg(c.privilege || ' ' || c.objects order by c.privilege) as privileges
          from counted c
         group by c.kind, c.grantee
      )
      select ${granteeName(sql`s.grantee`)} as grantee, s.kind, s.privileges, s.grantable,
             ${throughOf(sql`s.grantee`)} as through, ${atOnce(sql`s.grantee`)} as at_once, pg_catalog.count(*) over () as total_rows
        from summed s
       order by s.grantee <> 0, s.objects desc, grantee, s.kind
       limit ${param('limit')}`;

export const grantSummary = definePart({
  what: 'privileges by role and kind of object',
  row: {
    grantee: z.string(),
    kind: z.string(),
    privileges: z.array(z.string()).describe('On how many objects each; OWNER: how many it owns.'),
    grantable: z.boolean().describe('Some of them it may grant on.'),
    through: z.array(z.string()).nullable(),
    at_once: z.boolean().nullable(),
    total_rows: z.int(),
  },
  sql: byServerVersion({ 12: summaryWith(HOPS.since12), 16: summaryWith(HOPS.since16) }),
});
