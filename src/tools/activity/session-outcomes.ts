import { z } from 'zod';
import { closedLast, byServerVersion, definePart, param, percentOf, sql, type RowOf, type Sql } from '../kit/index.ts';

const count = z.int().min(0);
const ms = z.number().min(0).meta({ unit: 'ms' });
const whole = (milliseconds: Sql) => sql`pg_catalog.round(${milliseconds}::numeric)`;

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW */
export const sessionOutcomes = definePart({
  what: 'how sessions ended and what they did with their time',
  row: {
    database: z.string().meta({ names: 'database' }),
    sessions: count,
    sessions_abandoned: count.describe('Their clients were gone.'),
    sessions_fatal: count.describe('Ended by an error.'),
    sessions_killed: count.describe('Ended by somebody.'),
    abnormal_percent: z.number().nullable().meta({ unit: 'percent' }),
    session_time: ms,
    active_time: ms,
    idle_in_transaction_time: ms,
    counted_since: z.iso.datetime().nullable().describe('Null since the server was made.'),
  },
  sql: byServerVersion({
    14: sql`
      select s.datname as database, s.sessions, s.sessions_abandoned, s.sessions_fatal, s.sessions_killed,
             ${percentOf(sql`(s.sessions_abandoned + s.sessions_fatal + s.sessions_killed)`, sql`s.sessions`)} as abnormal_percent,
             ${whole(sql`s.session_time`)} as session_time, ${whole(sql`s.active_time`)} as active_time,
             ${whole(sql`s.idle_in_transaction_time`)} as idle_in_transaction_time, s.stats_reset as counted_since
        from pg_catalog.pg_stat_database s
       where s.datname is not null and s.sessions > 0
       order by ${closedLast(sql`s.datname`)}, s.sessions desc, s.datname
       limit ${param('limit')}`,
  }),
});
export type SessionOutcome = RowOf<typeof sessionOutcomes>;
