import type { NotExamined } from '../kit/index.ts';
import { tellWithheld } from '../kit/index.ts';
import { PlatformError } from '../../core/errors.ts';
import { consoleRows, type ConsoleRow } from '../../postgres/console-rows.ts';
import { CONSOLE_DATABASE, type ConsoleSession, type ConsoleView } from '../../postgres/console.ts';

/** A database as a pooler has it in its configuration, or as it was made for a client that asked for it. */
export interface DatabaseEntry {
  /** As clients name it. */
  readonly name: string;
  /** As its server names it. */
  readonly serverDatabase: string;
  readonly host: string | null;
  readonly port: number | null;
  readonly forceUser: string | null;
  readonly poolMode: string | null;
  readonly poolSize: number | null;
  readonly reservePoolSize: number | null;
  /** Null where there is no limit; so are those below. */
  readonly maxConnections: number | null;
  readonly connections: number | null;
  /** Since 1.24, as the number of clients is. */
  readonly maxClients: number | null;
  readonly clients: number | null;
  readonly paused: boolean;
  readonly disabled: boolean;
}

/** The limits of a user, which has them since 1.23. */
export interface UserEntry {
  readonly name: string;
  readonly poolSize: number | null;
  readonly reservePoolSize: number | null;
  readonly poolMode: string | null;
  readonly maxConnections: number | null;
  readonly connections: number | null;
}

/** Without the console itself, which is no database of any server. */
export async function readDatabases({ show }: ConsoleSession): Promise<ReadonlyMap<string, DatabaseEntry>> {
  const rows = consoleRows(await show('databases')).map(databaseEntry);
  return new Map(rows.filter(({ name }) => name !== CONSOLE_DATABASE).map((entry) => [entry.name, entry]));
}

export async function readUsers({ show }: ConsoleSession): Promise<ReadonlyMap<string, UserEntry>> {
  const rows = consoleRows(await show('users')).map((row): UserEntry => ({
    name: row.text('name') ?? '',
    poolSize: row.integer('pool_size'),
    reservePoolSize: row.integer('reserve_pool_size'),
    poolMode: row.text('pool_mode'),
    maxConnections: limitOf(row, 'max_user_connections'),
    connections: row.integer('current_connections'),
  }));
  return new Map(rows.map((entry) => [entry.name, entry]));
}

/** A view of two columns: names and what they stand for. */
export async function readNamed(
  { show }: ConsoleSession,
  view: ConsoleView,
  [name, value]: readonly [name: string, value: string],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = consoleRows(await show(view));
  return new Map(rows.map((row) => [row.text(name) ?? '', row.text(value)]));
}

/** Rows of databases, and none of the console. */
export async function readRows({ show }: ConsoleSession, view: ConsoleView): Promise<readonly ConsoleRow[]> {
  return consoleRows(await show(view)).filter(isOfDatabase);
}

export function isOfDatabase(row: ConsoleRow): boolean {
  return row.text('database') !== CONSOLE_DATABASE;
}

/** Undefined where this PgBouncer does not know the view. */
export async function ifKnown<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'QUERY_FAILED') return undefined;
    throw error;
  }
}

/** 0 stands for no limit. */
export function limitOf(row: ConsoleRow, column: string): number | null {
  return row.integer(column) || null;
}

function databaseEntry(row: ConsoleRow): DatabaseEntry {
  const name = row.text('name') ?? '';
  return {
    name,
    serverDatabase: row.text('database') ?? name,
    host: row.text('host'),
    port: row.integer('port'),
    forceUser: row.text('force_user'),
    poolMode: row.text('pool_mode'),
    poolSize: row.integer('pool_size'),
    // since 1.24 it has the second name
    reservePoolSize: row.integer('reserve_pool') ?? row.integer('reserve_pool_size'),
    maxConnections: limitOf(row, 'max_connections'),
    connections: row.integer('current_connections'),
    maxClients: limitOf(row, 'max_client_connections'),
    clients: row.integer('current_client_connections'),
    paused: row.flag('paused') ?? false,
    disabled: row.flag('disabled') ?? false,
  };
}

/** What a caller may see of a pooler, by the databases of the server that its databases lead to. */
export interface Sight {
  /** Of one that was made for a client and is used no more, only its own name is known. */
  serverDatabase(name: string): string;
  /** Those that the caller may reach; the number of the others is remembered. */
  shown<T>(rows: readonly T[], nameOf: (row: T) => string | null): T[];
  /** Says how many rows were withheld. */
  told(persona: string): NotExamined[];
}

export function createSight(
  databases: ReadonlyMap<string, DatabaseEntry>,
  mayShow: (database: string) => boolean,
): Sight {
  let withheld = 0;
  const serverDatabase = (name: string) => databases.get(name)?.serverDatabase ?? name;
  return {
    serverDatabase,
    shown(rows, nameOf) {
      const shown = rows.filter((row) => {
        const name = nameOf(row);
        return name === null || mayShow(serverDatabase(name));
      });
      withheld += rows.length - shown.length;
      return shown;
    },
    told: (persona) => tellWithheld(withheld, persona),
  };
}
