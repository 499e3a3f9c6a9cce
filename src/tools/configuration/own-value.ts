import { sql } from '../kit/index.ts';

/** What Howdah sets for each of its transactions says nothing about the server. */
export const isOurs = sql`s.source = 'session'`;

/** What a role is given when it logs in, below which the server's own value is not to be seen. */
export const isOfLogin = sql`(s.source in ('user', 'database user') or ${isOurs} and exists (
                 select from pg_catalog.pg_db_role_setting r cross join lateral pg_catalog.unnest(r.setconfig) as c (entry)
                  where r.setrole = (select u.oid from pg_catalog.pg_roles u where u.rolname = session_user)
                    and r.setdatabase in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
                    and pg_catalog.split_part(c.entry, '=', 1) = s.name))`;

/** The value of a row of pg_settings as `s`, without us; null where a role's own hides that of the server. */
export const ownSetting = sql`case when ${isOfLogin} then null when ${isOurs} then s.reset_val else s.setting end`;

/** Where that comes from; null where we hide it. */
export const ownSource = sql`case when ${isOfLogin} then 'user' when not ${isOurs} then s.source end`;
