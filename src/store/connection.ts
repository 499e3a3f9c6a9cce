import { DatabaseError } from 'pg';
import { PlatformError } from '../core/errors.ts';
import { openSession, type Greeting } from '../postgres/connect.ts';
import type { Result } from '../postgres/database.ts';
import type { ConnectionTarget } from '../postgres/target.ts';
import type { Step, Wire } from '../postgres/wire.ts';
import { CONNECT_LIMIT_MS } from './plain-session.ts';

/** One session with the store, opened when it is needed and again after it was lost. */
export interface StoreConnection {
  /** Opens the session if there is none. */
  ready(): Promise<void>;
  /**
   * Runs the steps as one transaction. Rejects with UNAVAILABLE when the store cannot be reached or does not answer in
   * time, and then what became of the steps is not known; with the server's own DatabaseError when it refuses.
   */
  exchange(steps: readonly Step[]): Promise<Result[]>;
  /** Hears NOTIFY of the sessions to come. */
  onNotification(hear: (channel: string, payload: string) => void): void;
  /** Lets what is under way finish, for a second. */
  close(): Promise<void>;
}

export interface StoreConnectionOptions {
  readonly target: ConnectionTarget;
  /** What a new session begins with; it is of no use if that fails. */
  readonly opening?: ((exchange: StoreConnection['exchange']) => Promise<void>) | undefined;
  readonly timeLimitMs?: number;
}

interface StoreFacts {
  readonly version: number;
  readonly fsync: boolean;
  readonly standby: boolean;
  readonly encoding: string;
}

const TIME_LIMIT_MS = 10_000;
/** PostgreSQL 14: https://www.postgresql.org/support/versioning/ */
const OLDEST = 140_000;

/** A commit is on disk before it is acknowledged, whatever the server's default is. */
const SETTINGS: Step = {
  text: `select pg_catalog.set_config(name, value, false) from (values
    ('search_path', 'pg_catalog'), ('synchronous_commit', 'on'), ('statement_timeout', '9s'), ('lock_timeout', '5s'),
    ('idle_in_transaction_session_timeout', '10s'), ('application_name', 'howdah store'), ('TimeZone', 'UTC'),
    ('DateStyle', 'ISO, MDY'), ('extra_float_digits', '1'), ('default_transaction_read_only', 'off'),
    ('client_min_messages', 'error'), ('jit', 'off')) as s(name, value)`,
  values: [],
};

const FACTS: Step = {
  text: `select pg_catalog.current_setting('server_version_num'), pg_catalog.current_setting('fsync'),
    pg_catalog.pg_is_in_recovery()::text, pg_catalog.current_setting('server_encoding')`,
  values: [],
};

const STORE: Greeting<StoreFacts> = {
  async learn(wire) {
    const [, facts] = await wire.exchange([SETTINGS, FACTS]);
    const [version, fsync, standby, encoding] = facts?.rows[0] ?? [];
    return { version: Number(version), fsync: fsync === 'on', standby: standby === 'true', encoding: encoding ?? '' };
  },
  whyUnfit: (_, { version, fsync, standby, encoding }) => {
    if (version < OLDEST) return `is PostgreSQL ${Math.floor(version / 10_000)}, and the store needs 14 or newer`;
    if (!fsync) return 'runs with fsync = off, which loses the audit log in a crash: set it to on';
    if (encoding !== 'UTF8') return `has the encoding ${encoding}, in which not everything can be kept: it needs UTF8`;
    return standby ? 'is a standby, and the store is written to' : undefined;
  },
};

export function openStoreConnection({
  target,
  opening = () => Promise.resolve(),
  timeLimitMs = TIME_LIMIT_MS,
}: StoreConnectionOptions): StoreConnection {
  let current: Promise<Wire> | undefined;
  let newest: Wire | undefined;
  let closed = false;
  let hear: ((channel: string, payload: string) => void) | undefined;

  async function connect(): Promise<Wire> {
    const { wire } = await openSession(target, STORE, AbortSignal.timeout(CONNECT_LIMIT_MS));
    try {
      wire.onNotification((channel, payload) => hear?.(channel, payload));
      await opening((steps) => within(timeLimitMs, wire, wire.exchange(steps)));
      newest = wire;
      return wire;
    } catch (error) {
      wire.destroy();
      throw error;
    }
  }

  /** Single flight; a session that was lost is forgotten, even before its socket is closed. */
  function session(): Promise<Wire> {
    if (newest?.closed === true) [newest, current] = [undefined, undefined];
    current ??= connect().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  }

  async function use<T>(work: (wire: Wire) => Promise<T>): Promise<T> {
    if (closed) throw storeUnavailable(new Error('the connection to the store is closed'));
    try {
      return await work(await session());
    } catch (error) {
      throw isRefusal(error) ? error : storeUnavailable(error);
    }
  }

  return {
    ready: () => use(() => Promise.resolve()),
    exchange: (steps) => use((wire) => within(timeLimitMs, wire, wire.exchange(steps))),
    onNotification(next) {
      hear = next;
    },
    async close() {
      closed = true;
      const wire = await current?.catch(() => undefined);
      await wire?.end();
    },
  };
}

/** What the statement itself brought about; the classes 08, 53, 57 and 58 are about the server and the connection. */
function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && !/^(08|53|57|58)/.test(error.code ?? '08');
}

/** Whether what was asked for is more than is read of a server at once; the session was lost by that. */
export function isTooLarge(error: unknown): boolean {
  const cause = error instanceof PlatformError ? error.cause : undefined;
  return cause instanceof PlatformError && cause.details?.['limit_bytes'] !== undefined;
}

/** A store that hangs must not hang those who wait for it: the session is dropped. */
async function within<T>(limitMs: number, wire: Wire, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => wire.destroy(new Error(`the store has not answered within ${limitMs} ms`)), limitMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** Where the store is, and why it fails, is for the log alone: a caller may be anyone. */
export function storeUnavailable(cause: unknown): PlatformError {
  return new PlatformError('UNAVAILABLE', 'The store cannot be reached.', {
    hint: 'Try again; no restart is needed when it is back. The log of Howdah says what is wrong.',
    cause,
  });
}
