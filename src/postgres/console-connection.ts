import { DatabaseError } from 'pg';
import type { Deadline } from '../core/deadline.ts';
import { PlatformError } from '../core/errors.ts';
import { openSession, type Greeting } from './connect.ts';
import { CONSOLE_COMMANDS, type Console, type ConsoleSession, type ConsoleView } from './console.ts';
import { explainConsole, noConsole, toConsoleError } from './console-errors.ts';
import type { Result } from './database.ts';
import { Permits, type PermitOptions, type PooledConnection } from './permits.ts';
import type { ConnectionTarget } from './target.ts';
import type { Wire } from './wire.ts';

/** A console and the connection to it, which is opened at the first use. */
export interface OpenedConsole extends Console {
  close(): Promise<void>;
}

export function openConsole(target: ConnectionTarget, options?: PermitOptions): OpenedConsole {
  return new KeptConsole(target, options);
}

interface ConsoleConnection {
  readonly wire: Wire;
  readonly version: string;
}

const CONSOLE: Greeting<string> = {
  learn: readVersion,
  whyUnfit: () => undefined,
  explain: explainConsole,
};

async function readVersion(wire: Wire): Promise<string> {
  try {
    const { rows } = await wire.command(CONSOLE_COMMANDS.version);
    return (rows[0]?.[0] ?? '').replace(/^PgBouncer /, '').slice(0, 60);
  } catch (error) {
    throw error instanceof DatabaseError ? noConsole(wire.endpoint, error) : error;
  }
}

/**
 * One connection, kept until nobody has used it for a while. Its users take turns: each command takes no longer than the
 * way there and back, and what it shows costs PgBouncer, which is one thread, the same whoever asks.
 */
class KeptConsole implements OpenedConsole {
  readonly #target: ConnectionTarget;
  readonly #permits: Permits<ConsoleConnection>;
  readonly #closing = new AbortController();

  constructor(target: ConnectionTarget, options: PermitOptions | undefined) {
    this.#target = target;
    this.#permits = new Permits(1, options);
  }

  async read<T>(deadline: Deadline, work: (session: ConsoleSession) => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw closed();
    const signal = AbortSignal.any([deadline.signal, this.#closing.signal]);
    const idle = this.#permits.takeIdle(this) ?? (await this.#permits.take(this, deadline));
    const turn = new Turn(idle, { open: () => this.#open(signal), signal });
    try {
      return await turn.run(work);
    } finally {
      if (turn.pooled === undefined) this.#permits.free();
      else this.#permits.give(turn.pooled);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(closed());
    await this.#permits.dismiss(this, closed());
  }

  async #open(signal: AbortSignal): Promise<PooledConnection<ConsoleConnection>> {
    const { wire, learnt: version } = await openSession(this.#target, CONSOLE, signal);
    const now = performance.now();
    const pooled = { connection: { wire, version }, owner: this, openedAt: now, idleSince: now };
    void wire.ended.then(() => this.#permits.forget(pooled));
    return pooled;
  }
}

interface TurnOptions {
  readonly open: () => Promise<PooledConnection<ConsoleConnection>>;
  readonly signal: AbortSignal;
}

/** One use of the connection, which may have been lost since the last one. */
class Turn {
  /** undefined when there is none to give back. */
  pooled: PooledConnection<ConsoleConnection> | undefined;
  readonly #open: TurnOptions['open'];
  readonly #signal: AbortSignal;
  /** Nothing was heard over this connection in this turn. */
  #untried: boolean;

  constructor(idle: PooledConnection<ConsoleConnection> | undefined, { open, signal }: TurnOptions) {
    this.pooled = idle;
    this.#open = open;
    this.#signal = signal;
    this.#untried = idle !== undefined;
  }

  async run<T>(work: (session: ConsoleSession) => Promise<T>): Promise<T> {
    const abandon = () => this.pooled?.connection.wire.destroy(this.#signal.reason);
    this.#signal.addEventListener('abort', abandon, { once: true });
    try {
      const { version } = await this.#connection();
      return await work({ version, show: (view) => this.#show(view) });
    } catch (error) {
      throw this.#signal.aborted ? this.#signal.reason : toConsoleError(error);
    } finally {
      this.#signal.removeEventListener('abort', abandon);
    }
  }

  async #show(view: ConsoleView): Promise<Result> {
    this.#signal.throwIfAborted();
    try {
      const { wire } = await this.#connection();
      const shown = await wire.command(CONSOLE_COMMANDS[view]);
      this.#untried = false;
      return shown;
    } catch (error) {
      const isLost = this.#untried && !this.#signal.aborted && this.pooled?.connection.wire.closed === true;
      if (!isLost) throw toConsoleError(error);
      this.pooled = undefined;
      return this.#show(view);
    }
  }

  async #connection(): Promise<ConsoleConnection> {
    if (this.pooled === undefined) {
      this.pooled = await this.#open();
      this.#untried = false;
    }
    return this.pooled.connection;
  }
}

function closed(): PlatformError {
  return new PlatformError('UNAVAILABLE', 'The connection to this pooler is closed.', {
    hint: 'Howdah is stopping, or the pooler was taken out of its configuration.',
  });
}
