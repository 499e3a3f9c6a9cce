import type { Deadline } from '../core/deadline.ts';
import { PlatformError } from '../core/errors.ts';
import type { OpenConnection } from './connect.ts';
import type { Wire } from './wire.ts';

/** What is kept open: a session and what its kind of pool knows of it. */
interface Kept {
  readonly wire: Wire;
}

/** A connection between its uses. */
export interface PooledConnection<Connection extends Kept = OpenConnection> {
  readonly connection: Connection;
  /** The pool that it belongs to. */
  readonly owner: object;
  /** By performance.now(). */
  readonly openedAt: number;
  idleSince: number;
}

export interface PermitOptions {
  /** A connection that nobody uses is closed after this long. */
  readonly idleMs?: number;
  /** No connection is used for longer: it would keep what it has cached, and stay where an address once led. */
  readonly lifetimeMs?: number;
}

interface Waiter<Connection extends Kept> {
  readonly owner: object;
  readonly resolve: (connection: PooledConnection<Connection> | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Limits how many connections a server has, over all pools that share these permits. One connection is one permit, idle
 * or not; an idle one of another pool makes room. Who waits is served in turn.
 */
export class Permits<Connection extends Kept = OpenConnection> {
  readonly limit: number;
  readonly #idleMs: number;
  readonly #lifetimeMs: number;
  #open = 0;
  /** The one used last is at the end. */
  readonly #idle: PooledConnection<Connection>[] = [];
  readonly #waiting: Waiter<Connection>[] = [];
  #sweep: NodeJS.Timeout | undefined;

  constructor(limit: number, { idleMs = 60_000, lifetimeMs = 1_800_000 }: PermitOptions = {}) {
    this.limit = limit;
    this.#idleMs = idleMs;
    this.#lifetimeMs = lifetimeMs;
  }

  /** The idle connection of `owner` that was used last. */
  takeIdle(owner: object): PooledConnection<Connection> | undefined {
    const at = this.#idle.findLastIndex((idle) => idle.owner === owner && !idle.connection.wire.closed);
    return at < 0 ? undefined : this.#idle.splice(at, 1)[0];
  }

  /** True: one connection may be opened. */
  tryTake(): boolean {
    if (this.#open >= this.limit) return false;
    this.#open++;
    return true;
  }

  /**
   * Resolves with an idle connection of `owner`, or with undefined: one may be opened. Rejects with TIMEOUT when all
   * connections stay in use until the deadline.
   */
  async take(owner: object, deadline: Deadline): Promise<PooledConnection<Connection> | undefined> {
    deadline.signal.throwIfAborted();
    if (this.tryTake()) return undefined;
    const unused = this.#idle.shift();
    if (!unused) return this.#wait(owner, deadline);
    await unused.connection.wire.end();
    return undefined;
  }

  /** Takes back a connection that is to be used again. */
  give(pooled: PooledConnection<Connection>): void {
    const { wire } = pooled.connection;
    const now = performance.now();
    if (wire.closed) return this.free();
    if (now - pooled.openedAt > this.#lifetimeMs) return this.#retire(pooled);
    const [next] = this.#waiting;
    if (next) {
      if (next.owner !== pooled.owner) return this.#retire(pooled);
      this.#waiting.shift();
      return next.resolve(pooled);
    }
    pooled.idleSince = now;
    this.#idle.push(pooled);
    this.#sweep ??= setInterval(() => this.#closeUnused(), this.#idleMs / 4).unref();
  }

  /** A connection has gone, or could not be opened. */
  free(): void {
    const next = this.#waiting.shift();
    if (next) next.resolve(undefined);
    else this.#open--;
  }

  /** The server has closed this connection, whether we had it idle or not. */
  forget(pooled: PooledConnection<Connection>): void {
    const at = this.#idle.indexOf(pooled);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.free();
  }

  /** Closes what `owner` has idle and turns away who waits for it. */
  async dismiss(owner: object, reason: PlatformError): Promise<void> {
    for (const waiter of this.#waiting.filter((each) => each.owner === owner)) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.reject(reason);
    }
    const idle = this.#idle.filter((each) => each.owner === owner);
    await Promise.all(idle.map((each) => this.#closeIdle(each)));
  }

  count(owner: object): { readonly idle: number; readonly waiting: number } {
    const owned = (each: { readonly owner: object }) => each.owner === owner;
    return { idle: this.#idle.filter(owned).length, waiting: this.#waiting.filter(owned).length };
  }

  #wait(owner: object, { signal }: Deadline): Promise<PooledConnection<Connection> | undefined> {
    const since = performance.now();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const waiter: Waiter<Connection> = {
        owner,
        resolve: (pooled) => settle(() => resolve(pooled)),
        reject: (error) => settle(() => reject(error)),
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(this.#tooLate(signal.reason, performance.now() - since));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  #tooLate(reason: unknown, waitedMs: number): unknown {
    if (!(reason instanceof PlatformError) || reason.code !== 'TIMEOUT') return reason;
    const ms = Math.round(waitedMs);
    return new PlatformError('TIMEOUT', `All ${this.limit} connections to the server were in use for ${ms} ms.`, {
      hint: 'Try again when other calls are done, or allow more connections to this server.',
      details: { connections: this.limit, waited_ms: ms },
    });
  }

  /** Frees the permit only when the connection has gone, so that a CONNECTION LIMIT that equals ours is kept. */
  #retire({ connection }: PooledConnection<Connection>): void {
    void connection.wire.end().then(() => this.free());
  }

  async #closeIdle(pooled: PooledConnection<Connection>): Promise<void> {
    await pooled.connection.wire.end(); // its end makes it forgotten
    this.forget(pooled);
  }

  #closeUnused(): void {
    const limit = performance.now() - this.#idleMs;
    for (const pooled of this.#idle) if (pooled.idleSince < limit) void this.#closeIdle(pooled);
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
