import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  param,
  percentOf,
  secondsSince,
  sql,
  type Finding,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { judgeLong } from '../activity/judge-long.ts';

const count = z.int().min(0).nullable();

/** Nearly nobody gets in any more. */
const SATURATED_PERCENT = 95;

/** What kind of process the session of another role is takes a right to see; a background process has no role. */
export const isClient = sql`(a.backend_type = 'client backend' or (a.backend_type is null and a.usesysid is not null and a.datid is not null))`;

/** How many sessions meet the condition; null when the state of some is hidden. */
export function counted(condition: Sql): Sql {
  return sql`case when pg_catalog.count(a.backend_type) = pg_catalog.count(*) then pg_catalog.count(*) filter (where ${condition}) end`;
}

export const connections = definePart({
  what: 'connections',
  row: {
    max: z.int(),
    reserved: z.int().describe('For superusers and, from PostgreSQL 16, members of pg_use_reserved_connections.'),
    used: z.int().min(0),
    used_percent: z.number().nullable().meta({ unit: 'percent' }).describe('Of those that are not reserved.'),
    active: count,
    idle: count,
    idle_in_transaction: count,
    waiting_for_lock: count,
  },
  sql: byServerVersion({
    12: sql`
      select m.max, m.reserved, c.used, ${percentOf(sql`c.used`, sql`(m.max - m.reserved)`)} as used_percent,
             c.active, c.idle, c.idle_in_transaction,
             (select pg_catalog.count(distinct l.pid) from pg_catalog.pg_locks l where not l.granted) as waiting_for_lock
        from (
          select pg_catalog.current_setting('max_connections')::integer as max,
                 pg_catalog.current_setting('superuser_reserved_connections')::integer
                 + coalesce(nullif(pg_catalog.current_setting('reserved_connections', true), '')::integer, 0) as reserved
        ) m
       cross join (
          select pg_catalog.count(*) as used,
                 ${counted(sql`a.state = 'active'`)} as active,
                 ${counted(sql`a.state = 'idle'`)} as idle,
                 ${counted(sql`a.state like 'idle in transaction%'`)} as idle_in_transaction
            from pg_catalog.pg_stat_activity a
           where ${isClient}
       ) c`,
  }),
});

export const connectedAs = definePart({
  what: 'connections by database and role',
  row: {
    database: z.string().nullable().meta({ names: 'database' }),
    user: z.string().nullable(),
    connections: z.int().min(0),
    idle_in_transaction: count,
  },
  sql: byServerVersion({
    12: sql`
      select a.datname as database, a.usename as user, pg_catalog.count(*) as connections,
             ${counted(sql`a.state like 'idle in transaction%'`)} as idle_in_transaction
        from pg_catalog.pg_stat_activity a
       where ${isClient}
       group by 1, 2
       order by ${closedLast(sql`a.datname`)}, 3 desc, 1, 2
       limit ${param('limit')}`,
  }),
});

export const oldestTransaction = definePart({
  what: 'the oldest transaction',
  row: {
    pid: z.int(),
    user: z.string().nullable(),
    database: z.string().nullable().meta({ names: 'database' }),
    state: z.string().nullable(),
    transaction_s: z.number().nullable().meta({ unit: 's' }),
    xmin_age: z.int().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      select a.pid, a.usename as user, a.datname as database, a.state, ${secondsSince(sql`a.xact_start`)} as transaction_s,
             greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) as xmin_age
        from pg_catalog.pg_stat_activity a
       where a.xact_start is not null and a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
       order by ${closedLast(sql`a.datname`)}, a.xact_start
       limit 1`,
  }),
});

export function judgeConnections(row: RowOf<typeof connections> | undefined, maxPercent: number): Finding[] {
  const percent = row?.used_percent ?? 0;
  if (!row || percent < maxPercent) return [];
  const { used, max, reserved, used_percent, idle, idle_in_transaction } = row;
  return [
    {
      severity: percent >= SATURATED_PERCENT ? 'critical' : 'warning',
      claim: `${percent} % of the connections are taken.`,
      object: '"max_connections"',
      evidence: { used, max, reserved, used_percent, idle, idle_in_transaction },
      why: 'https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS',
      next_step:
        'SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;',
    },
  ];
}

export function judgeOldestTransaction(row: RowOf<typeof oldestTransaction> | undefined, maxS: number): Finding[] {
  if (!row || (row.transaction_s ?? 0) <= maxS) return [];
  const { user, database, state, transaction_s, xmin_age } = row;
  return [
    judgeLong({ ...row, backend_start: null, statement: null }, { transaction_s, state, user, database, xmin_age }),
  ];
}
