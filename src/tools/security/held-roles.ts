import { param, sql, type Sql } from '../kit/index.ts';

const ROLE = param('role');

/**
 * The CTEs `memberships`, which are `hops` with who is pg_database_owner here, and `held (role, at_once, through)`: the
 * roles whose rights the role of the input has, itself among them, whether it has them without SET ROLE, and which of
 * its own memberships they come through. Of no role while the input names none. Rights are inherited from a role that
 * was set, but no role can be set through one that is only inherited.
 */
export function heldRoles(hops: Sql): Sql {
  return sql`${hops},
      memberships as (
        select h.member, h.role, h.inherits, h.settable from hops h
        union all
        select d.datdba, o.oid, true, false
          from pg_catalog.pg_database d
          join pg_catalog.pg_roles o on o.rolname = 'pg_database_owner'
         where d.datname = pg_catalog.current_database()
      ),
      walk (role, setting, at_once, through) as (
        select r.oid, true, true, null::oid from pg_catalog.pg_roles r where r.rolname = ${ROLE}::name
        union
        select m.role, s.setting, w.at_once and m.inherits, coalesce(w.through, m.role)
          from walk w
          join memberships m on m.member = w.role
         cross join (values (true), (false)) s (setting)
         where case when s.setting then w.setting and m.settable else m.inherits end
      ),
      held as (
        select w.role, pg_catalog.bool_or(w.at_once) as at_once,
               pg_catalog.array_agg(distinct w.through) filter (where w.through is not null) as through
          from walk w
         group by w.role
      )`;
}

/** Whether the rights of a grantee are those of the role of the input; PUBLIC has the oid 0. */
export function concernsRole(grantee: Sql): Sql {
  return sql`(${ROLE}::text is null or ${grantee} = 0 or exists (select from held h where h.role = ${grantee}))`;
}

/** Names of the memberships that the rights of a grantee come through, as JSON; null where no role is asked for. */
export function throughOf(grantee: Sql): Sql {
  return sql`(select pg_catalog.to_json(array(select r.rolname from pg_catalog.pg_roles r where r.oid = any (h.through) order by 1 limit 10))
                from held h where h.role = ${grantee})`;
}

/** Whether the role has the rights of the grantee without SET ROLE; null where no role is asked for. */
export function atOnce(grantee: Sql): Sql {
  return sql`(case when ${ROLE}::text is null then null when ${grantee} = 0 then true
                   else (select h.at_once from held h where h.role = ${grantee}) end)`;
}

/** `PUBLIC`, or the name of a role, which may have been dropped meanwhile. */
export function granteeName(grantee: Sql): Sql {
  return sql`case when ${grantee} = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(${grantee})::text end`;
}
