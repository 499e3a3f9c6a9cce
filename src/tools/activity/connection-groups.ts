import { z } from 'zod';
import { byServerVersion, definePart, secondsSince, sql, type RowOf } from '../kit/index.ts';
import { counted, isClient } from '../server/connections.ts';

export const GROUPINGS = ['database', 'user', 'application', 'client_address'] as const;
export type Grouping = (typeof GROUPINGS)[number];

const count = z.int().min(0).nullable();

/** One who was idle for so long has not been waiting for the next request of a user. */
const IDLE_FOR_LONG = sql`interval '5 minutes'`;

/** At the finest, so that those of databases that the caller may not reach are left out before they are summed up. */
export const connectionGroups = definePart({
  what: 'who is connected',
  row: {
    database: z.string().nullable().meta({ names: 'database' }),
    user: z.string().nullable(),
    application: z.string().nullable().meta({ names: 'text' }),
    client_address: z.string().nullable().describe('Null for a Unix socket.'),
    connections: z.int().min(0),
    active: count,
    idle: count,
    idle_for_long: count.describe('Of those that are idle, for more than five minutes.'),
    idle_in_transaction: count,
    longest_idle_in_transaction_s: z.number().nullable().meta({ unit: 's' }),
    waiting_for_lock: count,
  },
  sql: byServerVersion({
    12: sql`
      select a.datname as database, a.usename as user, a.application_name as application,
             pg_catalog.host(a.client_addr) as client_address, pg_catalog.count(*) as connections,
             ${counted(sql`a.state = 'active'`)} as active,
             ${counted(sql`a.state = 'idle'`)} as idle,
             ${counted(sql`a.state = 'idle' and a.state_change < pg_catalog.clock_timestamp() - ${IDLE_FOR_LONG}`)} as idle_for_long,
             ${counted(sql`a.state like 'idle in transaction%'`)} as idle_in_transaction,
             pg_catalog.max(${secondsSince(sql`a.state_change`)}) filter (where a.state like 'idle in transaction%') as longest_idle_in_transaction_s,
             ${counted(sql`a.wait_event_type = 'Lock'`)} as waiting_for_lock
        from pg_catalog.pg_stat_activity a
       where ${isClient}
       group by a.datname, a.usename, a.application_name, a.client_addr
       order by connections desc, 1, 2, 3, 4`,
  }),
});
export type ConnectionGroup = RowOf<typeof connectionGroups>;

/** The most connections first. What is not grouped by is null. */
export function groupConnections(
  groups: readonly ConnectionGroup[],
  groupings: readonly Grouping[],
): readonly ConnectionGroup[] {
  const byKey = new Map<string, ConnectionGroup>();
  for (const group of groups) {
    const { database, user, application, client_address, ...counts } = group;
    const named = { database, user, application, client_address };
    const of = (grouping: Grouping) => (groupings.includes(grouping) ? named[grouping] : null);
    const key = JSON.stringify(GROUPINGS.map(of));
    const known = byKey.get(key);
    const summed = known ? sumOf(known, counts) : counts;
    byKey.set(key, {
      database: of('database'),
      user: of('user'),
      application: of('application'),
      client_address: of('client_address'),
      ...summed,
    });
  }
  return [...byKey.values()].toSorted((a, b) => b.connections - a.connections);
}

type Counts = Omit<ConnectionGroup, Grouping>;

/** What is hidden of one is hidden of all together. */
function sumOf(a: Counts, b: Counts): Counts {
  return {
    connections: a.connections + b.connections,
    active: add(a.active, b.active),
    idle: add(a.idle, b.idle),
    idle_for_long: add(a.idle_for_long, b.idle_for_long),
    idle_in_transaction: add(a.idle_in_transaction, b.idle_in_transaction),
    longest_idle_in_transaction_s: longest(a.longest_idle_in_transaction_s, b.longest_idle_in_transaction_s),
    waiting_for_lock: add(a.waiting_for_lock, b.waiting_for_lock),
  };
}

function add(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

export function longest(...seconds: readonly (number | null)[]): number | null {
  const known = seconds.filter((each) => each !== null);
  return known.length === 0 ? null : Math.max(...known);
}
