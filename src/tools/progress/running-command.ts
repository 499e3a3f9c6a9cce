import { z } from 'zod';
import { lockWaits } from '../activity/lock-waits.ts';
import {
  closedLast,
  byServerVersion,
  definePart,
  param,
  secondsSince,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { PROGRESS } from './progress-views.ts';

const text = z.string().nullable();
const count = z.int().min(0).nullable();
const percent = z.number().nullable().meta({ unit: 'percent' });
const seconds = z.number().min(0).nullable().meta({ unit: 's' });

export const STARTERS = ['session', 'autovacuum', 'autovacuum to prevent wraparound'] as const;

interface Version {
  /** Of the progress views, a SELECT. */
  readonly commands: Sql;
  /** Of `l`, a lock that is waited for, and `a`, its session. */
  readonly since: Sql;
}

/** A worker of autovacuum says in the place of a statement what it does, and why. */
const STARTED_BY = sql`case when a.backend_type is null then null when a.backend_type <> 'autovacuum worker' then 'session'
                  when a.query like '% (to prevent wraparound)' then 'autovacuum to prevent wraparound' else 'autovacuum' end`;

const runningWith = ({ commands, since }: Version) => sql`
      with commands as materialized (${commands}
      ),
      locks as materialized (
        select l.* from pg_catalog.pg_locks l where exists (select from commands)
      ),
      ${lockWaits({ locks: sql`locks`, waiter: sql`l.pid`, since })}
      select c.pid, c.command, a.usename as user, a.datname as database, n.nspname as schema, coalesce(o.relname, t.relname) as table,
             o.oid is not null as toast, i.relname as index, ${STARTED_BY} as started_by,
             c.phase, c.unit, c.done, c.total, c.step_unit, c.steps_done, c.steps_total, c.tuples, c.scanned_percent, c.memory_percent,
             c.memory_size, c.locker_pid, pg_catalog.round(c.delayed_ms::numeric) as delayed_ms,
             ${secondsSince(sql`case when a.backend_type = 'autovacuum worker' then a.xact_start else a.query_start end`)} as running_s,
             a.wait_event_type, a.wait_event, pg_catalog.to_json(w.blockers[1:10]) as blocked_by, ${secondsSince(sql`w.since`)} as wait_s,
             coalesce(q.waiting_behind, 0) as waiting_behind, ${secondsSince(sql`q.since`)} as longest_wait_s,
             a.backend_type, a.backend_start, a.state, extract(epoch from pg_catalog.clock_timestamp()) as at
        from commands c
        left join pg_catalog.pg_stat_activity a on a.pid = c.pid
        left join pg_catalog.pg_class t on t.oid = c.relid and a.datname = pg_catalog.current_database()
        left join pg_catalog.pg_class o on o.reltoastrelid = t.oid and t.relkind = 't'
        left join pg_catalog.pg_namespace n on n.oid = coalesce(o.relnamespace, t.relnamespace)
        left join pg_catalog.pg_class i on i.oid = c.index_relid and a.datname = pg_catalog.current_database()
        left join waiting w on w.pid = c.pid
        left join lateral (
          select pg_catalog.count(*) as waiting_behind, pg_catalog.min(b.since) as since from waiting b where c.pid = any (b.blockers)
        ) q on true
       where c.pid <> pg_catalog.pg_backend_pid()
       order by ${closedLast(sql`a.datname`)}, running_s desc nulls last, c.pid
       limit ${param('limit')}`;

const BEFORE_14 = sql`a.query_start`;
// null in the first moment of a wait
const FROM_14 = sql`coalesce(l.waitstart, pg_catalog.clock_timestamp())`;

/** What reports its progress: commands are known by the views, never by the words of statements. */
export const runningCommands = definePart({
  what: 'commands that report their progress',
  row: {
    pid: z.int(),
    command: text,
    user: text,
    database: text.meta({ names: 'database' }),
    schema: text.meta({ names: 'schema' }).describe('Null in another database.'),
    table: text.meta({ names: 'table' }),
    toast: z.boolean().describe('Its TOAST table.'),
    index: text.meta({ names: 'index' }),
    started_by: z.enum(STARTERS).nullable(),
    phase: text.describe('Of COPY, where it reads or writes.'),
    unit: text,
    done: count.describe('In this phase.'),
    total: count,
    step_unit: text,
    steps_done: count.describe('Of the steps that such phases are repeated for.'),
    steps_total: count,
    tuples: count,
    scanned_percent: percent.describe('Of the table, by VACUUM.'),
    memory_percent: percent.describe('How full the memory of VACUUM for dead rows is; at 100 it turns to the indexes.'),
    memory_size: count.meta({ unit: 'bytes' }),
    locker_pid: z.int().nullable().describe('Whose transaction CREATE INDEX CONCURRENTLY waits for now.'),
    delayed_ms: z
      .number()
      .nullable()
      .meta({ unit: 'ms' })
      .describe('Slept because of the cost delay; PostgreSQL 18 with track_cost_delay_timing.'),
    running_s: seconds,
    wait_event_type: text,
    wait_event: text,
    blocked_by: z.array(z.int()).nullable().describe('The first of those whose locks it waits for.'),
    wait_s: seconds.describe('How long for them; before PostgreSQL 14, its statement has run.'),
    waiting_behind: z.int().min(0).describe('Sessions that wait for its locks.'),
    longest_wait_s: seconds.describe('Of those.'),
    backend_type: text,
    backend_start: z.iso.datetime().nullable(),
    state: text,
    at: z.number(),
  },
  sql: byServerVersion({
    12: runningWith({ commands: PROGRESS[12], since: BEFORE_14 }),
    13: runningWith({ commands: PROGRESS[13], since: BEFORE_14 }),
    14: runningWith({ commands: PROGRESS[14], since: FROM_14 }),
    17: runningWith({ commands: PROGRESS[17], since: FROM_14 }),
    18: runningWith({ commands: PROGRESS[18], since: FROM_14 }),
  }),
});
export type RunningCommand = RowOf<typeof runningCommands>;
