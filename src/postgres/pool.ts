import { setTimeout as sleep } from 'node:timers/promises';
import { startDeadline, type Deadline } from '../core/deadline.ts';
import { PlatformError } from '../core/errors.ts';
import { watchBlocking, type Look } from './blocking-watch.ts';
import { openConnection, type OpenConnection } from './connect.ts';
import type { ForeignDatabase, ForeignSession, ReadOnlyOptions } from './database.ts';
import { Permits, type PermitOptions, type PooledConnection } from './permits.ts';
import { runReadOnly, type Lease } from './read-only-session.ts';
import type { ConnectionTarget } from './target.ts';

export interface PoolStats {
  readonly inUse: number;
  readonly idle: number;
  readonly waiting: number;
  /** Of the permits, so over all pools that share them. */
  readonly limit: number;
}

/** The connections to one database under one login. Opens none before it is used. */
export interface Pool extends ForeignDatabase {
  /** Fails what waits, cancels what still runs after half a second, and after another half drops what is left. */
  close(): Promise<void>;
  stats(): PoolStats;
}

/** `limit` connections at once, shared by all pools of a server that are given these permits. */
export function createPermits(limit: number, options?: PermitOptions): Permits {
  return new Permits(limit, options);
}

export function openPool(target: ConnectionTarget, { permits }: { readonly permits: Permits }): Pool {
  return new ConnectionPool(target, permits);
}

const CLOSE_STEP_MS = 500;
const LOOK_LIMIT_MS = 1000;

class ConnectionPool implements Pool {
  readonly #target: ConnectionTarget;
  readonly #permits: Permits;
  readonly #leases = new Set<PoolLease>();
  readonly #closing = new AbortController();

  constructor(target: ConnectionTarget, permits: Permits) {
    this.#target = target;
    this.#permits = permits;
  }

  async readOnly<T>(options: ReadOnlyOptions, work: (session: ForeignSession) => Promise<T>): Promise<T> {
    if (this.#closed) throw poolClosed();
    const idle = this.#permits.takeIdle(this);
    const lease = idle ? this.#lease(idle, true) : await this.#acquire(options.deadline);
    return runReadOnly(lease, options, work);
  }

  stats(): PoolStats {
    return { inUse: this.#leases.size, ...this.#permits.count(this), limit: this.#permits.limit };
  }

  async close(): Promise<void> {
    this.#closing.abort(poolClosed());
    await Promise.all([this.#permits.dismiss(this, poolClosed()), this.#endUse()]);
  }

  /** Opens a connection; the caller holds the permit for it. */
  async open(signal: AbortSignal): Promise<PooledConnection> {
    const connection = await openConnection(this.#target, AbortSignal.any([signal, this.#closing.signal]));
    const now = performance.now();
    const pooled: PooledConnection = { connection, owner: this, openedAt: now, idleSince: now };
    void connection.wire.ended.then(() => this.#permits.forget(pooled));
    return pooled;
  }

  release(lease: PoolLease, pooled: PooledConnection): void {
    this.#leases.delete(lease);
    if (this.#closed) void pooled.connection.wire.end();
    this.#permits.give(pooled);
  }

  watch(pid: number, stop: (reason: PlatformError) => void): () => void {
    return watchBlocking(pid, (work) => this.#look(work), stop);
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #endUse(): Promise<void> {
    await this.#untilUnused();
    for (const lease of this.#leases) lease.stop(poolClosed());
    await this.#untilUnused();
    for (const { connection } of this.#leases) connection.wire.destroy(poolClosed());
  }

  async #untilUnused(): Promise<void> {
    const end = performance.now() + CLOSE_STEP_MS;
    while (this.#leases.size > 0 && performance.now() < end) await sleep(10);
  }

  #lease(pooled: PooledConnection, reused: boolean): PoolLease {
    const lease = new PoolLease(this, pooled, { reused, pooling: this.#target.pooling });
    this.#leases.add(lease);
    return lease;
  }

  async #acquire(deadline: Deadline): Promise<PoolLease> {
    const pooled = await this.#permits.take(this, deadline);
    if (pooled) return this.#lease(pooled, true);
    return this.#openWithPermit(deadline.signal);
  }

  async #openWithPermit(signal: AbortSignal): Promise<PoolLease> {
    try {
      return this.#lease(await this.open(signal), false);
    } catch (error) {
      this.#permits.free();
      throw error;
    }
  }

  async #look(...[work]: Parameters<Look>): ReturnType<Look> {
    const deadline = startDeadline(LOOK_LIMIT_MS, new AbortController().signal);
    try {
      const idle = this.#permits.takeIdle(this);
      if (!idle && !this.#permits.tryTake()) return undefined;
      const lease = idle ? this.#lease(idle, true) : await this.#openWithPermit(deadline.signal);
      const options = { deadline, applicationName: 'howdah', isolation: 'read committed', lockTimeoutMs: 300 } as const;
      return await runReadOnly(lease.unwatched(), options, work);
    } finally {
      deadline.clear();
    }
  }
}

class PoolLease implements Lease {
  readonly reused: boolean;
  readonly pooling: 'session' | 'transaction';
  readonly #pool: ConnectionPool;
  #pooled: PooledConnection;
  #watched = true;
  #stop: (reason: PlatformError) => void = () => undefined;

  constructor(pool: ConnectionPool, pooled: PooledConnection, { reused, pooling }: Pick<Lease, 'reused' | 'pooling'>) {
    this.#pool = pool;
    this.#pooled = pooled;
    this.reused = reused;
    this.pooling = pooling;
  }

  get connection(): OpenConnection {
    return this.#pooled.connection;
  }

  async renew(signal: AbortSignal): Promise<void> {
    this.connection.wire.destroy();
    this.#pooled = await this.#pool.open(signal);
  }

  release(): void {
    this.#pool.release(this, this.#pooled);
  }

  stop(reason: PlatformError): void {
    this.#stop(reason);
  }

  watch(stop: (reason: PlatformError) => void): () => void {
    this.#stop = stop;
    if (!this.#watched || this.pooling === 'transaction') return () => undefined;
    return this.#pool.watch(this.connection.backendPid, stop);
  }

  /** For what never runs long itself. */
  unwatched(): this {
    this.#watched = false;
    return this;
  }
}

function poolClosed(): PlatformError {
  return new PlatformError('UNAVAILABLE', 'The connections to this server are closed.', {
    hint: 'Howdah is stopping, or the server was taken out of its configuration.',
  });
}
