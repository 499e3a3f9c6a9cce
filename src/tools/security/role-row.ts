import { z } from 'zod';
import { byServerVersion, definePart, matchesName, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import { HOPS, isPredefined } from './memberships.ts';

const count = z.int().min(0);

/** Of the CTE `listed`, the roles that an answer shows. */
const listed = sql`listed as materialized (
        select r.*, pg_catalog.count(*) over () as total_rows
          from pg_catalog.pg_roles r
         where ${matchesName(sql`r.rolname`, param('name'))}
           and (${param('predefined')}::boolean or not ${isPredefined(sql`r.rolname`)})
         order by r.rolsuper desc, r.rolcreaterole desc, r.rolbypassrls or r.rolreplication desc, r.rolcanlogin desc, r.rolname
         limit ${param('limit')}
      )`;

const rolesWith = (hops: Sql) => sql`
      with recursive ${hops}, ${listed},
      above (start, role) as (
        select l.oid, h.role from listed l join hops h on h.member = l.oid
        union
        select a.start, h.role from above a join hops h on h.member = a.role
      ),
      below (start, member) as (
        select l.oid, h.member from listed l join hops h on h.role = l.oid
        union
        select b.start, h.member from below b join hops h on h.role = b.member
      ),
      owned as (
        select d.refobjid as oid, pg_catalog.count(*) as objects
          from pg_catalog.pg_shdepend d
         where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'o' and d.classid <> 'pg_catalog.pg_default_acl'::regclass
           and d.refobjid in (select l.oid from listed l)
         group by d.refobjid
      ),
      sessions as (
        select a.usesysid as oid, pg_catalog.count(*) as sessions from pg_catalog.pg_stat_activity a group by a.usesysid
      )
      select r.rolname as role, r.oid, r.rolcanlogin as login,
             pg_catalog.to_json(array(
               select v.name
                 from (values (1, 'SUPERUSER', r.rolsuper), (2, 'CREATEROLE', r.rolcreaterole and not r.rolsuper),
                              (3, 'CREATEDB', r.rolcreatedb and not r.rolsuper), (4, 'REPLICATION', r.rolreplication and not r.rolsuper),
                              (5, 'BYPASSRLS', r.rolbypassrls and not r.rolsuper), (6, 'NOINHERIT', not r.rolinherit)) v (place, name, has)
                where v.has
                order by v.place)) as attributes,
             nullif(r.rolconnlimit, -1) as connection_limit,
             case when pg_catalog.isfinite(r.rolvaliduntil) then r.rolvaliduntil end as valid_until,
             coalesce(r.rolvaliduntil <= pg_catalog.now(), false) as expired,
             pg_catalog.to_json(array(
               select g.rolname from hops h join pg_catalog.pg_roles g on g.oid = h.role where h.member = r.oid order by 1 limit 20)) as member_of,
             (select pg_catalog.count(*) from above a where a.start = r.oid) as member_of_all,
             (select pg_catalog.count(*) from hops h where h.role = r.oid) as members,
             (select pg_catalog.count(*) from below b where b.start = r.oid) as members_all,
             coalesce(s.sessions, 0) as sessions,
             -- what initdb made is owned without an entry
             case when r.oid >= 16384 then coalesce(o.objects, 0) end as owned_objects,
             pg_catalog.to_json(coalesce(r.rolconfig, '{}')) as settings,
             pg_catalog.shobj_description(r.oid, 'pg_authid') as comment, r.total_rows
        from listed r
        left join owned o on o.oid = r.oid
        left join sessions s on s.oid = r.oid
       order by r.rolsuper desc, r.rolcreaterole desc, r.rolbypassrls or r.rolreplication desc, r.rolcanlogin desc, r.rolname`;

export const roles = definePart({
  what: 'roles',
  row: {
    role: z.string().describe('PostgreSQL records neither when a role was made nor when it last logged in.'),
    oid: z.int(),
    login: z.boolean(),
    attributes: z.array(z.string()).describe('SUPERUSER stands for all that it implies.'),
    connection_limit: z.int().nullable(),
    valid_until: z.iso.datetime().nullable().describe('Of the password; null where it never ends, or always has.'),
    expired: z.boolean(),
    member_of: z.array(z.string()).describe('Directly.'),
    member_of_all: count.describe('How many, memberships of memberships too.'),
    members: count,
    members_all: count,
    sessions: count,
    owned_objects: count.nullable().describe('In all databases; null for roles that came with the cluster.'),
    settings: z.array(z.string()),
    comment: z.string().nullable().meta({ names: 'text' }),
    total_rows: z.int(),
  },
  sql: byServerVersion({ 12: rolesWith(HOPS.since12), 16: rolesWith(HOPS.since16) }),
});

const membershipsWith = (options: { readonly inherit: Sql; readonly set: Sql }) => sql`
      with ${listed}
      select m.rolname as member, g.rolname as role, a.admin_option as admin, ${options.inherit} as inherit, ${options.set} as set,
             pg_catalog.pg_get_userbyid(a.grantor) as grantor, pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_auth_members a
        join pg_catalog.pg_roles m on m.oid = a.member
        join pg_catalog.pg_roles g on g.oid = a.roleid
       where a.member in (select l.oid from listed l) or a.roleid in (select l.oid from listed l)
       order by m.rolname, g.rolname, grantor
       limit ${param('limit')}`;

export const memberships = definePart({
  what: 'memberships',
  row: {
    member: z.string(),
    role: z.string(),
    admin: z.boolean().describe('It may grant the role to others.'),
    inherit: z.boolean().describe('It has the rights of the role at once.'),
    set: z.boolean().describe('It may SET ROLE to it.'),
    grantor: z.string(),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: membershipsWith({ inherit: sql`m.rolinherit`, set: sql`true` }),
    16: membershipsWith({ inherit: sql`a.inherit_option`, set: sql`a.set_option` }),
  }),
});

/** Passwords in use that have ended, or will within `expiry_days`. */
export const expiring = definePart({
  what: 'passwords that expire',
  row: {
    role: z.string(),
    valid_until: z.iso.datetime(),
    expired: z.boolean(),
    days: z.number(),
    sessions: count,
  },
  sql: byServerVersion({
    12: sql`
      select r.rolname as role, r.rolvaliduntil as valid_until, r.rolvaliduntil <= pg_catalog.now() as expired,
             pg_catalog.round(extract(epoch from r.rolvaliduntil - pg_catalog.now())::numeric / 86400, 1) as days,
             s.sessions
        from pg_catalog.pg_roles r
        join (select a.usesysid as oid, pg_catalog.count(*) as sessions from pg_catalog.pg_stat_activity a group by a.usesysid) s on s.oid = r.oid
       where r.rolcanlogin and pg_catalog.isfinite(r.rolvaliduntil)
         and r.rolvaliduntil <= pg_catalog.now() + pg_catalog.make_interval(days => ${param('expiry_days')}::integer)
       order by r.rolvaliduntil, r.rolname
       limit 100`,
  }),
});
export type Expiring = RowOf<typeof expiring>;
