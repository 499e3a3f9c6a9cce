import { z } from 'zod';
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
import { heldColumns, heldLocks, heldLocksOf } from './held-locks.ts';
import { sessionRow } from './session-row.ts';

const given = (name: 'of_database' | 'user', column: Sql) =>
  sql`(${param(name)}::text is null or ${column} = ${param(name)}::text)`;

/** The workers of a parallel query are in the transaction of their leader. */
const openWith = (queryId: Sql) => sql`
      with ${heldLocksOf},
      transactions as (
        select a.pid, null::text as gid, a.backend_type, a.usename as user, a.datname as database,
               a.application_name as application, a.client_addr, a.state, a.wait_event_type, a.wait_event,
               a.backend_start, a.xact_start, a.query_start, a.state_change, a.backend_xid,
               greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) as xmin_age, ${queryId} as query_id,
               case when a.query not in ('<insufficient privilege>', '') then a.query end as statement, a.pid::text as lock_owner
          from pg_catalog.pg_stat_activity a
         where a.xact_start is not null and a.pid <> pg_catalog.pg_backend_pid() and a.backend_type <> 'parallel worker'
        union all
        select 0, p.gid, 'prepared transaction', p.owner, p.database, null, null, null, null, null,
               null, p.prepared, null, null, p.transaction, pg_catalog.age(p.transaction), null, null, p.lock_owner
          from prepared p
      ),
      listed as (
        select t.*
          from transactions t
         where extract(epoch from pg_catalog.clock_timestamp() - t.xact_start) >= ${param('min_age_s')}::integer
           and ${given('of_database', sql`t.database`)} and ${given('user', sql`t.user`)}
         order by ${closedLast(sql`t.database`)}, t.xact_start, t.pid, t.gid
         limit ${param('limit')}
      )
      select l.pid, l.gid, l.user, l.database, l.application, pg_catalog.host(l.client_addr) as client_address,
             l.backend_type, l.state, l.wait_event_type, l.wait_event, l.backend_start,
             ${secondsSince(sql`l.xact_start`)} as transaction_s,
             case when l.state = 'active' then ${secondsSince(sql`l.query_start`)} end as statement_s,
             ${secondsSince(sql`l.state_change`)} as state_s, l.xmin_age, l.backend_xid is not null as writes,
             ${heldColumns(sql`l.lock_owner`)}, l.query_id::text as query_id, l.statement
        from listed l
        left join held h on h.lock_owner = l.lock_owner
       order by l.xact_start, l.pid, l.gid`;

const { pid, user, database, application, client_address, backend_type, state, wait_event_type, wait_event } =
  sessionRow;
const { backend_start, transaction_s, statement_s, state_s, xmin_age, query_id, statement } = sessionRow;

/** The oldest first. */
export const openTransactions = definePart({
  what: 'open transactions',
  row: {
    pid,
    gid: z.string().nullable().meta({ names: 'text' }).describe('Of a prepared transaction.'),
    user,
    database,
    application,
    client_address,
    backend_type,
    state,
    wait_event_type,
    wait_event,
    backend_start,
    transaction_s,
    statement_s,
    state_s,
    xmin_age,
    writes: z.boolean().describe('It has an id, and so has changed something.'),
    ...heldLocks,
    query_id,
    statement,
  },
  sql: byServerVersion({ 12: openWith(sql`null::bigint`), 14: openWith(sql`a.query_id`) }),
});
export type OpenTransaction = RowOf<typeof openTransactions>;
