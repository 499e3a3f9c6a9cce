import { z } from 'zod';
import { closedLast, byServerVersion, definePart, param, percentOf, sql, type RowOf } from '../kit/index.ts';
import { isClient } from '../server/connections.ts';

/** Connections that are kept back of `max_connections`. */
export const reservations = definePart({
  what: 'connections that are reserved',
  row: {
    superuser_reserved_connections: z.int().min(0),
    reserved_connections: z
      .int()
      .min(0)
      .nullable()
      .describe('For members of pg_use_reserved_connections; PostgreSQL 16 on.'),
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.current_setting('superuser_reserved_connections')::integer as superuser_reserved_connections,
             nullif(pg_catalog.current_setting('reserved_connections', true), '')::integer as reserved_connections`,
  }),
});

/** Of databases and roles that have one: https://www.postgresql.org/docs/current/sql-createrole.html; superusers have none. */
export const connectionLimits = definePart({
  what: 'connection limits of databases and roles',
  row: {
    database: z.string().nullable().meta({ names: 'database' }),
    role: z.string().nullable(),
    connections: z.int().min(0),
    connection_limit: z.int().min(0),
    percent: z.number().nullable().meta({ unit: 'percent' }),
  },
  sql: byServerVersion({
    12: sql`
      select l.database, l.role, l.connections, l.connection_limit, ${percentOf(sql`l.connections`, sql`l.connection_limit`)} as percent
        from (
          select d.datname as database, null::name as role, coalesce(s.numbackends, 0) as connections, d.datconnlimit as connection_limit
            from pg_catalog.pg_database d
            left join pg_catalog.pg_stat_database s on s.datid = d.oid
           where d.datconnlimit >= 0 and d.datallowconn
          union all
          select null, r.rolname, coalesce(c.connections, 0), r.rolconnlimit
            from pg_catalog.pg_roles r
            left join (select a.usesysid, pg_catalog.count(*) as connections
                         from pg_catalog.pg_stat_activity a
                        where ${isClient}
                        group by a.usesysid) c on c.usesysid = r.oid
           where r.rolconnlimit >= 0 and r.rolcanlogin and not r.rolsuper
        ) l
       order by ${closedLast(sql`l.database`)}, percent desc nulls last, l.database, l.role
       limit ${param('limit')}`,
  }),
});
export type ConnectionLimit = RowOf<typeof connectionLimits>;
