import { z } from 'zod';
import { closedLast, byServerVersion, defineDiagnostic, matchesName, nameInput, sql, type Sql } from '../kit/index.ts';

/** https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE */
const TYPES = ['Activity', 'BufferPin', 'Client', 'Extension', 'IO', 'IPC', 'Lock', 'LWLock', 'Timeout'] as const;

const count = z.int().min(0);

interface Events {
  /** Those that the server knows, with what they mean; PostgreSQL 17 on. */
  readonly known: Sql;
}

export default defineDiagnostic({
  name: 'wait_events',
  area: 'activity',
  title: 'Wait events',
  description: 'What sessions wait for now; with a type or name also other events, and their meaning (17+).',
  alsoKnownAs: { get_wait_events: { database_name: 'database' } },
  clusterWide: true,
  judges: false,
  input: { wait_event_type: z.enum(TYPES).optional(), name: nameInput },
  row: {
    wait_event_type: z.string().nullable().describe('Null for those that run, or wait for what nobody records.'),
    wait_event: z.string().nullable(),
    database: z.string().nullable().meta({ names: 'database' }),
    backend_types: z.array(z.string()),
    sessions: count,
    active: count.describe('Of those, with a statement under way.'),
    idle_in_transaction: count,
    pids: z.array(z.int()).describe('The first five.'),
    description: z.string().nullable().describe('PostgreSQL 17 on.'),
  },
  counted: true,
  sql: ({ wait_event_type, name, limit }) => {
    const waits = ({ known }: Events) => sql`
      with waits as (
        select a.wait_event_type, a.wait_event, a.datname as database,
               pg_catalog.json_agg(distinct a.backend_type) as backend_types, pg_catalog.count(*) as sessions,
               pg_catalog.count(*) filter (where a.state = 'active') as active,
               pg_catalog.count(*) filter (where a.state like 'idle in transaction%') as idle_in_transaction,
               pg_catalog.to_json((pg_catalog.array_agg(a.pid order by a.state, a.pid))[1:5]) as pids
          from pg_catalog.pg_stat_activity a
         where a.pid <> pg_catalog.pg_backend_pid() and a.backend_type is not null
           -- what waits for nothing runs, unless it is between two statements
           and (a.wait_event is not null or a.state is distinct from 'idle')
         group by a.wait_event_type, a.wait_event, a.datname
      ),
      listed as (
        select coalesce(w.wait_event_type, k.type) as wait_event_type, coalesce(w.wait_event, k.name) as wait_event, w.database,
               coalesce(w.backend_types, '[]') as backend_types, coalesce(w.sessions, 0) as sessions,
               coalesce(w.active, 0) as active, coalesce(w.idle_in_transaction, 0) as idle_in_transaction,
               coalesce(w.pids, '[]') as pids, k.description
          from waits w
          full join (${known}) k on k.type = w.wait_event_type and k.name = w.wait_event
         where w.sessions > 0 or ${wait_event_type}::text is not null or ${name}::text is not null
      )
      select l.*, pg_catalog.count(*) over () as total_rows
        from listed l
       where (${wait_event_type}::text is null or l.wait_event_type = ${wait_event_type}::text)
         and ${matchesName(sql`l.wait_event`, name)}
         -- a process of the server that waits for work
         and (l.wait_event_type is distinct from 'Activity' or ${wait_event_type}::text is not null or ${name}::text is not null)
       order by ${closedLast(sql`l.database`)}, l.active desc, l.sessions desc, l.wait_event_type, l.wait_event, l.database
       limit ${limit}`;
    return byServerVersion({
      12: waits({ known: sql`select null::text as type, null::text as name, null::text as description where false` }),
      17: waits({ known: sql`select e.type, e.name, e.description from pg_catalog.pg_wait_events e` }),
    });
  },
  sees: [{ what: 'what other roles’ sessions wait for', privilege: 'pg_read_all_stats' }],
  notExamined: (_, { input, facts }) =>
    facts.major < 17 && (input.wait_event_type !== undefined || input.name !== undefined)
      ? [{ what: 'events that nobody waits for', reason: 'PostgreSQL lists them from version 17 on.' }]
      : [],
});
