import type { ReachedPooler } from '../../calls/context.ts';
import type { ConsoleRow } from '../../postgres/console-rows.ts';
import type { ConsoleSession } from '../../postgres/console.ts';
import { compareVersions } from '../kit/index.ts';
import { SINCE } from '../kit/poolers.ts';
import type { DatabaseRow, PoolerRow, PoolRow } from './pool-row.ts';
import {
  createSight,
  ifKnown,
  readDatabases,
  readNamed,
  readRows,
  readUsers,
  type DatabaseEntry,
  type Sight,
  type UserEntry,
} from './views.ts';

/** A pool, and what may keep its clients waiting beside its own size. */
export interface Pool extends PoolRow {
  readonly paused: boolean;
  /** Server connections of the database and of the user, over all their pools; a limit is null where there is none. */
  readonly of_database: Filling;
  readonly of_user: Filling;
}

interface Filling {
  readonly used: number | null;
  readonly max: number | null;
}

export interface PoolerPools {
  readonly pooler: PoolerRow;
  readonly pools: readonly Pool[];
  readonly databases: readonly DatabaseRow[];
  readonly sight: Sight;
}

/** What one pooler tells of its pools, as far as the caller may see it. */
export async function readPools(
  session: ConsoleSession,
  { name, address }: ReachedPooler,
  mayShow: (database: string) => boolean,
): Promise<PoolerPools> {
  const databases = await readDatabases(session);
  const users = await readUsers(session);
  const config = await readNamed(session, 'config', ['key', 'value']);
  const lists = await readNamed(session, 'lists', ['list', 'items']);
  const sight = createSight(databases, mayShow);
  const rows = await readRows(session, 'pools');
  const limits = { databases, users, config, sight };
  return {
    pooler: {
      pooler: name,
      address,
      version: session.version,
      state: await readState(session),
      clients: numberIn(lists, 'used_clients'),
      max_client_conn: numberIn(config, 'max_client_conn'),
      server_connections: numberIn(lists, 'used_servers'),
    },
    pools: sight.shown(rows, (row) => row.text('database')).map((row) => poolOf(name, row, limits)),
    databases: sight
      .shown([...databases.values()], (entry) => entry.name)
      .map((entry) => describeDatabase(name, entry)),
    sight,
  };
}

export function numberIn(values: ReadonlyMap<string, string | null>, name: string): number | null {
  const number = Number(values.get(name) ?? Number.NaN);
  return Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** What a user has takes the place of what the database has, and that of what the pooler has. */
export function poolSizeOf(
  user: UserEntry | undefined,
  database: DatabaseEntry | undefined,
  config: ReadonlyMap<string, string | null>,
): { readonly size: number | null; readonly reserve: number | null } {
  return {
    size: user?.poolSize ?? database?.poolSize ?? numberIn(config, 'default_pool_size'),
    reserve: user?.reservePoolSize ?? database?.reservePoolSize ?? numberIn(config, 'reserve_pool_size'),
  };
}

async function readState(session: ConsoleSession): Promise<PoolerRow['state']> {
  // one that does not know it would write an error to its log each time
  if (compareVersions(session.version, SINCE.state ?? '') < 0) return null;
  const state = await ifKnown(readNamed(session, 'state', ['key', 'value']));
  return (['active', 'paused', 'suspended'] as const).find((each) => state?.get(each) === 'yes') ?? null;
}

interface LimitsOfPools {
  readonly databases: ReadonlyMap<string, DatabaseEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly config: ReadonlyMap<string, string | null>;
  readonly sight: Sight;
}

function poolOf(pooler: string, row: ConsoleRow, { databases, users, config, sight }: LimitsOfPools): Pool {
  const name = row.text('database') ?? '';
  const [database, user] = [databases.get(name), users.get(row.text('user') ?? '')];
  const { size, reserve } = poolSizeOf(user, database, config);
  return {
    pooler,
    database: name,
    server_database: sight.serverDatabase(name),
    user: row.text('user') ?? '',
    pool_mode: row.text('pool_mode'),
    cl_active: row.integer('cl_active'),
    cl_waiting: row.integer('cl_waiting'),
    // 1.16 and 1.17 have one column for them
    cl_cancel_req: sumOf(row, 'cl_active_cancel_req', 'cl_waiting_cancel_req') ?? row.integer('cl_cancel_req'),
    maxwait_s: row.seconds('maxwait'),
    sv_active: row.integer('sv_active'),
    sv_idle: row.integer('sv_idle'),
    sv_used: row.integer('sv_used'),
    sv_tested: row.integer('sv_tested'),
    sv_login: row.integer('sv_login'),
    sv_cancel: sumOf(row, 'sv_active_cancel', 'sv_being_canceled'),
    pool_size: size,
    reserve_pool_size: reserve,
    paused: database?.paused ?? false,
    of_database: { used: database?.connections ?? null, max: database?.maxConnections ?? null },
    of_user: { used: user?.connections ?? null, max: user?.maxConnections ?? null },
  };
}

function sumOf(row: ConsoleRow, ...columns: readonly string[]): number | null {
  const numbers = columns.map((column) => row.integer(column));
  return numbers.includes(null) ? null : numbers.reduce<number>((sum, number) => sum + (number ?? 0), 0);
}

function describeDatabase(pooler: string, entry: DatabaseEntry): DatabaseRow {
  return {
    pooler,
    database: entry.name,
    server_database: entry.serverDatabase,
    connections: entry.connections,
    max_connections: entry.maxConnections,
    clients: entry.clients,
    max_clients: entry.maxClients,
    paused: entry.paused,
    disabled: entry.disabled,
  };
}
