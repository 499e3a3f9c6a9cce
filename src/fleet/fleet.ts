import type { Console } from '../postgres/console.ts';
import type { Database, ForeignDatabase, ForeignSession } from '../postgres/database.ts';
import type { LoginProfile } from './login-profile.ts';

/** Whether the last connection to a server succeeded; `unknown` before the first. */
export interface Health {
  readonly state: 'unknown' | 'reachable' | 'unreachable';
  /** Of the last attempt; null before the first. */
  readonly at: Date | null;
  /** In plain words, without secrets; null unless unreachable. */
  readonly problem: string | null;
  /** `server_version` as last seen; null before the first connection. */
  readonly version: string | null;
  readonly inRecovery: boolean | null;
}

/** A PgBouncer that stands before a server. */
export interface FleetPooler {
  readonly name: string;
  /** `user@host:port/pgbouncer`, for people; never a password. */
  readonly address: string;
  /** Whether the connection URL of the server itself leads here. */
  readonly isOnTheWay: boolean;
  /** Its admin console; connects at the first use. */
  readonly console: Console;
  health(): Omit<Health, 'inRecovery'>;
}

/** A login of a server for statements of callers. */
export interface FleetLogin {
  /** The role of PostgreSQL. */
  readonly user: string;
  /** Opens a pool at the first use, which diagnostics have no part in. */
  database(name: string): ForeignDatabase;
  /** Of the session, which is one of this login in this database; what was read less than 30 seconds ago is known. */
  profile(database: string, session: ForeignSession): Promise<LoginProfile>;
}

/** A PostgreSQL server of the configuration. */
export interface FleetServer {
  readonly name: string;
  /** The database that its connection URL names. */
  readonly defaultDatabase: string;
  /** `user@host:port/database`, for people; never a password. */
  readonly address: string;
  readonly pooling: 'session' | 'transaction';
  /** Whether the configuration opens this database of the server. */
  offers(database: string): boolean;
  /** Opens a pool at the first use. */
  database(name: string): Database;
  /** Those for statements of callers, by the names that personas use. */
  readonly logins: ReadonlyMap<string, FleetLogin>;
  /** That of its connection URL, as one for statements of callers. */
  readonly ownLogin: FleetLogin;
  health(): Health;
  /** In the order of the configuration. */
  readonly poolers: readonly FleetPooler[];
}

/** The servers of the configuration. */
export interface Fleet {
  readonly servers: readonly FleetServer[];
  /** `default_server` of the configuration. */
  readonly defaultServer: string | undefined;
  server(name: string): FleetServer | undefined;
  /** Closes every connection. */
  close(): Promise<void>;
}
