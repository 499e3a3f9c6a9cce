import type { Deadline } from '../core/deadline.ts';
import type { Result } from './database.ts';

/** The database by whose name the admin console of PgBouncer is reached; no database of a server has it. */
export const CONSOLE_DATABASE = 'pgbouncer';

/** All that a console is ever told: it shows, and changes nothing. https://www.pgbouncer.org/usage.html#show-commands */
export const CONSOLE_COMMANDS = {
  clients: 'SHOW CLIENTS',
  config: 'SHOW CONFIG',
  databases: 'SHOW DATABASES',
  lists: 'SHOW LISTS',
  pools: 'SHOW POOLS',
  servers: 'SHOW SERVERS',
  state: 'SHOW STATE',
  stats: 'SHOW STATS',
  users: 'SHOW USERS',
  version: 'SHOW VERSION',
} as const;
export type ConsoleView = keyof typeof CONSOLE_COMMANDS;

/** What one turn at a console offers. */
export interface ConsoleSession {
  /** As PgBouncer names it, such as `1.24.1`. */
  readonly version: string;
  /** Fails with a PlatformError; after QUERY_FAILED the next view may be asked for. */
  readonly show: (view: ConsoleView) => Promise<Result>;
}

/** The admin console of one PgBouncer. */
export interface Console {
  /** Rejects with a PlatformError; by then nothing is asked any more. */
  read<T>(deadline: Deadline, work: (session: ConsoleSession) => Promise<T>): Promise<T>;
}
