import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type RowOf, type Sql } from '../kit/index.ts';

/**
 * Who was at work in one moment, and what they waited for. Statements whose ids are `known` already are left out; without
 * an id a statement goes by its text.
 */
const sampleWith = (queryId: Sql) => sql`
      select a.backend_type, a.datname as database, a.state like 'idle in transaction%' as idle_in_transaction,
             a.wait_event_type, a.wait_event, s.query_id::text as query_id, s.statement, pg_catalog.count(*) as sessions
        from pg_catalog.pg_stat_activity a
       cross join lateral (
         select q.query_id,
                case when a.query not in ('', '<insufficient privilege>') and (q.query_id is null or q.query_id <> all (${param('known')}::bigint[]))
                     then pg_catalog.left(a.query, 10000) end as statement
           from (select ${queryId} as query_id) q
          where a.state = 'active'
         union all
         select null, null where a.state is distinct from 'active'
       ) s
       where a.pid <> pg_catalog.pg_backend_pid() and a.backend_type is not null
         and (a.state is null or a.state not in ('idle', 'disabled'))
         and a.wait_event_type is distinct from 'Activity' -- a process of the server that waits for work
       group by 1, 2, 3, 4, 5, 6, 7`;

export const waitSample = definePart({
  what: 'what sessions wait for',
  row: {
    backend_type: z.string(),
    database: z.string().nullable().meta({ names: 'database' }),
    idle_in_transaction: z.boolean().nullable(),
    wait_event_type: z.string().nullable(),
    wait_event: z.string().nullable(),
    query_id: z.string().nullable(),
    statement: z.string().nullable().meta({ names: 'statement' }),
    sessions: z.int().min(0),
  },
  sql: byServerVersion({ 12: sampleWith(sql`null::bigint`), 14: sampleWith(sql`a.query_id`) }),
});
export type WaitSample = RowOf<typeof waitSample>;
