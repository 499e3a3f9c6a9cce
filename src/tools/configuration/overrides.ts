import { z } from 'zod';
import { maskSetting } from '../../sqltext/secret-settings.ts';
import { closedLast, byServerVersion, definePart, matchesName, param, sql, type RowOf } from '../kit/index.ts';

/** ALTER ROLE … SET and ALTER DATABASE … SET: https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html */
export const overrides = definePart({
  what: 'settings of roles and databases',
  row: {
    name: z.string().meta({ names: 'text' }),
    value: z.string(),
    role: z.string().nullable().describe('Null for every role.'),
    database: z.string().nullable().meta({ names: 'database' }).describe('Null for every database.'),
  },
  sql: byServerVersion({
    12: sql`
      select o.name, o.value, case when o.setrole <> 0 then pg_catalog.pg_get_userbyid(o.setrole) end as role, d.datname as database
        from (
          select r.setrole, r.setdatabase, pg_catalog.split_part(c.entry, '=', 1) as name,
                 pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1) as value
            from pg_catalog.pg_db_role_setting r
           cross join lateral pg_catalog.unnest(r.setconfig) as c (entry)
        ) o
        left join pg_catalog.pg_database d on d.oid = o.setdatabase
        left join pg_catalog.pg_settings s on s.name = o.name
       where ${matchesName(sql`o.name`, param('name'))}
         and (${param('category')}::text is null or ${matchesName(sql`s.category`, param('category'))})
         and (${matchesName(sql`o.name`, param('text'))} or ${matchesName(sql`s.short_desc`, param('text'))})
       order by ${closedLast(sql`d.datname`)}, o.name, database nulls first, role nulls first
       limit ${param('limit')}`,
  }),
});
type Override = RowOf<typeof overrides>;

export function showOverride(row: Override): Override {
  return { ...row, value: maskSetting(row.name, row.value) ?? '' };
}
