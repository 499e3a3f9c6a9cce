import { sql, type Sql } from '../kit/index.ts';

/**
 * The CTE `hops (member, role, inherits, settable)`: who is a member of which role, whether it has the role's rights at
 * once, and whether it can take them by SET ROLE. Who may grant a role may grant it to itself in any way.
 * https://www.postgresql.org/docs/current/role-membership.html
 */
export const HOPS: Readonly<Record<'since12' | 'since16', Sql>> = {
  since12: sql`hops as materialized (
        select m.member, m.roleid as role, r.rolinherit as inherits, true as settable
          from pg_catalog.pg_auth_members m
          join pg_catalog.pg_roles r on r.oid = m.member
      )`,
  since16: sql`hops as materialized (
        -- several roles may have granted the same membership
        select m.member, m.roleid as role, pg_catalog.bool_or(m.inherit_option) as inherits,
               pg_catalog.bool_or(m.set_option or m.admin_option) as settable
          from pg_catalog.pg_auth_members m
         group by m.member, m.roleid
      )`,
};

/** Those that come with PostgreSQL, whose names nobody else may use. */
export function isPredefined(role: Sql): Sql {
  return sql`pg_catalog.starts_with(${role}::text, 'pg_')`;
}
