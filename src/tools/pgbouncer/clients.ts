import type { ReachedPooler } from '../../calls/context.ts';
import { consoleRows, type ConsoleRow } from '../../postgres/console-rows.ts';
import type { ConsoleSession } from '../../postgres/console.ts';
import type { ConnectionsRow, HoldingRow, WaitingRow } from './client-row.ts';
import { groupBy, largest } from './groups.ts';
import { createSight, isOfDatabase, readDatabases, readRows, type Sight } from './views.ts';

export interface PoolerClients {
  readonly rows: readonly ConnectionsRow[];
  readonly waiting: readonly WaitingRow[];
  /** Of the databases whose clients wait. */
  readonly holding: readonly HoldingRow[];
  readonly sight: Sight;
}

export async function readClients(
  session: ConsoleSession,
  { name }: ReachedPooler,
  mayShow: (database: string) => boolean,
): Promise<PoolerClients> {
  const sight = createSight(await readDatabases(session), mayShow);
  const clients = consoleRows(await session.show('clients'));
  const shown = {
    clients: sight.shown(clients.filter(isOfDatabase), databaseOf),
    servers: sight.shown(await readRows(session, 'servers'), databaseOf),
  };
  const now = clockOf(clients);
  const whose = (row: ConsoleRow) => whoseOf(name, row, sight);
  const waiting = shown.clients.filter((row) => row.text('state') === 'waiting');
  const short = new Set(waiting.map(databaseOf));
  const byPointer = new Map(shown.clients.map((row) => [row.text('ptr'), row]));
  return {
    rows: [
      ...countTogether(
        'client',
        shown.clients.map((row) => [whose(row), row]),
      ),
      ...countTogether(
        'server',
        shown.servers.map((row) => [whose(row), row]),
      ),
    ],
    waiting: waiting.map((row) => ({ ...whose(row), client_address: addressOf(row), wait_s: row.seconds('wait') })),
    holding: shown.servers
      .filter((row) => row.text('link') !== null && short.has(databaseOf(row)))
      .map((row) => holdingOf(row, { client: byPointer.get(row.text('link')), whose, now })),
    sight,
  };
}

type Whose = Pick<ConnectionsRow, 'pooler' | 'database' | 'server_database' | 'user' | 'application'>;

/** Of one that has not said yet which it wants, null. */
function databaseOf(row: ConsoleRow): string | null {
  return known(row.text('database'));
}

function known(name: string | null): string | null {
  return name === '(nodb)' || name === '(nouser)' ? null : name;
}

function whoseOf(pooler: string, row: ConsoleRow, sight: Sight): Whose {
  const database = databaseOf(row);
  return {
    pooler,
    database,
    server_database: database === null ? null : sight.serverDatabase(database),
    user: known(row.text('user')),
    application: row.text('application_name'),
  };
}

function countTogether(
  kind: ConnectionsRow['kind'],
  rows: readonly (readonly [Whose, ConsoleRow])[],
): ConnectionsRow[] {
  const groups = groupBy(rows, ([whose, row]) => JSON.stringify([whose, row.text('state')]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const [whose, row] = first;
    const state = row.text('state');
    const members = group.map((each) => each[1]);
    // of others, `wait` is how long their query has run
    const waits = state === 'waiting' ? members.map((each) => each.seconds('wait')) : [];
    return [
      {
        ...whose,
        kind,
        state,
        connections: members.length,
        addresses: new Set(members.map((each) => each.text('addr'))).size,
        longest_wait_s: largest(waits),
      },
    ];
  });
}

interface Holder {
  readonly client: ConsoleRow | undefined;
  readonly whose: (row: ConsoleRow) => Whose;
  readonly now: string | null;
}

function holdingOf(server: ConsoleRow, { client, whose, now }: Holder): HoldingRow {
  const runs = client?.seconds('wait') ?? 0;
  return {
    ...whose(client ?? server),
    client_address: client ? addressOf(client) : null,
    server_pid: server.integer('remote_pid'),
    statement_s: runs > 0 ? runs : null,
    silent_s: secondsBetween(server.text('request_time'), now),
  };
}

/** A Unix socket has no port. */
function addressOf(row: ConsoleRow): string | null {
  const address = row.text('addr');
  if (address === null || address.startsWith('unix')) return address;
  const port = row.integer('port');
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The time of the pooler, as it writes it: one of these clients is Howdah, who has just asked for them. */
function clockOf(clients: readonly ConsoleRow[]): string | null {
  const times = clients.map((client) => client.text('request_time') ?? '');
  return times.reduce((latest, time) => (time > latest ? time : latest), '') || null;
}

const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (.+)$/;

/** Times are local to the pooler and name their zone, so only those of one zone can be compared. */
export function secondsBetween(from: string | null, to: string | null): number | null {
  const [start, end] = [TIME.exec(from ?? ''), TIME.exec(to ?? '')];
  if (!start || !end || start[3] !== end[3]) return null;
  const ms = Date.parse(`${end[1]}T${end[2]}Z`) - Date.parse(`${start[1]}T${start[2]}Z`);
  return Math.max(0, ms / 1000);
}
