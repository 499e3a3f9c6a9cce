import { z } from 'zod';
import { byServerVersion, definePart, sql, type RowOf, type Sql } from '../kit/index.ts';
import { HOPS, isPredefined } from './memberships.ts';

/** Predefined roles that reach beyond the tables of one owner: https://www.postgresql.org/docs/current/predefined-roles.html */
const POWERFUL = sql`('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_write_all_data',
                      'pg_read_all_data', 'pg_maintain', 'pg_signal_backend', 'pg_create_subscription')`;

/** Of each power so many holders are read, those with the attribute and those that come by it apart; `of_power` counts them all. */
const HOLDERS = sql`50`;

const holdersWith = (hops: Sql) => sql`
      with recursive ${hops},
      reach (power, role, inherited, through) as (
        -- attributes are not inherited: https://www.postgresql.org/docs/current/role-attributes.html
        select v.power, r.oid, false, null::oid
          from pg_catalog.pg_roles r
         cross join lateral (values ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole and not r.rolsuper),
                                    ('BYPASSRLS', r.rolbypassrls and not r.rolsuper),
                                    ('REPLICATION', r.rolreplication and not r.rolsuper)) v (power, has)
         where v.has
        union all
        select r.rolname::text, r.oid, true, null from pg_catalog.pg_roles r where r.rolname in ${POWERFUL}
        union
        -- inherited rights end where a member has to take them by SET ROLE; SET ROLE goes on from there
        select t.power, h.member, t.inherited and h.inherits, h.role
          from reach t
          join hops h on h.role = t.role and (h.settable or (t.inherited and h.inherits))
      ),
      holders as (
        select t.power, t.role, pg_catalog.bool_or(t.through is null) as own, pg_catalog.bool_or(t.inherited) as inherited,
               pg_catalog.array_agg(distinct t.through) filter (where t.through is not null) as through
          from reach t
         group by t.power, t.role
      ),
      ranked as (
        select r.rolname as role, h.power, h.own, h.inherited, r.rolcanlogin as login, r.oid = 10 as bootstrap,
               pg_catalog.to_json(array(select u.rolname from pg_catalog.pg_roles u where u.oid = any (h.through) order by 1 limit 5)) as through,
               pg_catalog.count(*) over (partition by h.power, h.own) as of_power,
               pg_catalog.row_number() over (partition by h.power, h.own order by r.oid = 10 desc, r.rolcanlogin desc, r.rolname) as place
          from holders h
          join pg_catalog.pg_roles r on r.oid = h.role
         where not ${isPredefined(sql`r.rolname`)}
           and (h.own or (r.rolcanlogin and not r.rolsuper and h.power <> 'REPLICATION'))
      )
      select k.role, k.power, k.own, k.inherited, k.login, k.bootstrap, k.through, k.of_power
        from ranked k
       where k.place <= ${HOLDERS}
       order by k.power, k.own desc, k.place`;

/** Roles with attributes that matter, and those that log in and come by them, or by powerful predefined roles, as members. */
export const powers = definePart({
  what: 'powerful roles',
  row: {
    role: z.string(),
    power: z.string().describe('An attribute or a predefined role.'),
    own: z.boolean().describe('An attribute of its own; else it comes by it as a member.'),
    inherited: z.boolean().describe('It has it at once; else by SET ROLE.'),
    login: z.boolean(),
    bootstrap: z.boolean().describe('The first role of the cluster, which stays a superuser.'),
    through: z.array(z.string()),
    of_power: z.int().describe('How many have it in the same way.'),
  },
  sql: byServerVersion({ 12: holdersWith(HOPS.since12), 16: holdersWith(HOPS.since16) }),
});
export type Power = RowOf<typeof powers>;

/** How many there are, beyond those that were read. */
export function countOf(holders: readonly Power[]): number {
  return [true, false].reduce((sum, own) => sum + (holders.find((each) => each.own === own)?.of_power ?? 0), 0);
}
