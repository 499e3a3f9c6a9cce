import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { TOO_LONG_HINT } from '../core/deadline.ts';
import { PlatformError } from '../core/errors.ts';
import { requestCancel } from './cancel.ts';
import type { OpenConnection } from './connect.ts';
import type {
  ConnectionFacts,
  ForeignResult,
  ForeignSession,
  ForeignStatement,
  ParameterValue,
  ReadOnlyOptions,
  Result,
} from './database.ts';
import { toCallerError } from './errors.ts';
import { parameterText } from './parameter-text.ts';
import {
  inCatalog,
  isRecovering,
  openingSteps,
  RESETS,
  ROLLBACK,
  settingSteps,
  statementTimeoutStep,
} from './session-settings.ts';
import type { Statement } from './sql.ts';
import type { RowLimits, Step, Wire } from './wire.ts';

/** The use of one connection of a pool for one session. */
export interface Lease {
  readonly connection: OpenConnection;
  /** It has served before, so that it may have died since without our knowing. */
  readonly reused: boolean;
  readonly pooling: 'session' | 'transaction';
  /** Gives up this connection for a new one. */
  renew(signal: AbortSignal): Promise<void>;
  /** Returns the connection to the pool, which drops it if it is closed. */
  release(): void;
  /** Calls `stop` when the session keeps others waiting, or the pool is closed; returns what ends the watch. */
  watch(stop: (reason: PlatformError) => void): () => void;
}

/** How long a cancelled statement may take to end before its connection is dropped. */
const CANCEL_GRACE_MS = 1500;
/** How long a ROLLBACK may take that is waited for. */
const ROLLBACK_LIMIT_MS = 2000;
/** A statement that the server ends this close to our deadline was ended by the deadline that we gave to the server. */
const SAME_MOMENT_MS = 50;
/** A connection that had died says so at once; what fails later had begun to run. */
const FOUND_DEAD_WITHIN_MS = 250;
/** The server's limit is set anew for a later statement when it has become wrong by more than this. */
const TIMEOUT_SLACK_MS = 1000;

/**
 * Runs `work` in one read-only transaction on the leased connection and gives the lease back. Rejects at the deadline,
 * and then only after the statement has ended on the server or the connection was dropped.
 */
export async function runReadOnly<T>(
  lease: Lease,
  options: ReadOnlyOptions,
  work: (session: ForeignSession) => Promise<T>,
): Promise<T> {
  const session = new Session(lease, options);
  const { signal } = options.deadline;
  const onDeadline = () => session.stop(toCallerError(signal.reason));
  signal.addEventListener('abort', onDeadline, { once: true });
  try {
    signal.throwIfAborted();
    const value = await Promise.race([work(session), session.stopped]);
    await session.settled();
    return value;
  } finally {
    signal.removeEventListener('abort', onDeadline);
    void session.close();
  }
}

/** What goes over the wire for one statement. */
interface Sending {
  readonly step: Step;
  /** Settings in front of it, in the same exchange. */
  readonly settings?: readonly Step[];
  readonly limits?: RowLimits;
}

class Session implements ForeignSession {
  /** Rejects with the reason of `stop`, when the server no longer works for us. */
  readonly stopped: Promise<never>;
  readonly #lease: Lease;
  readonly #options: ReadOnlyOptions;
  #rejectStopped: (reason: PlatformError) => void = () => undefined;
  /** Statements wait here for the one before. */
  #queue: Promise<unknown> = Promise.resolve();
  #unanswered = 0;
  /** The exchange in flight; never rejects. */
  #running: Promise<unknown> | undefined;
  #begun = false;
  /** The transaction was rolled back behind its only statement. */
  #rolledBack = false;
  #serverTimeoutMs = 0;
  /** Why no further statement is run. */
  #over: PlatformError | undefined;
  #stopping = false;
  #closed = false;
  #cancel: Promise<boolean> | undefined;
  #endWatch: () => void = () => undefined;
  readonly #takenBack: Step[] = [];

  constructor(lease: Lease, options: ReadOnlyOptions) {
    this.#lease = lease;
    this.#options = options;
    this.stopped = new Promise((_, reject) => (this.#rejectStopped = reject));
    this.stopped.catch(() => undefined);
  }

  get facts(): ConnectionFacts {
    return this.#lease.connection.facts;
  }

  get connection(): object {
    return this.#lease.connection;
  }

  get keepsState(): boolean {
    return this.#lease.pooling === 'session';
  }

  takeBack({ text }: Statement): void {
    if (!this.keepsState) throw new PlatformError('INTERNAL', 'There is no session to take anything back in.');
    this.#takenBack.push({ text, values: [] });
  }

  query(statement: Statement, values: Readonly<Record<string, ParameterValue>> = {}): Promise<Result> {
    return this.#inTurn(() => this.#run({ step: toStep(statement, values) }));
  }

  async execute({ text, values, types, settings = {}, rowBytes, bytes }: ForeignStatement): Promise<ForeignResult> {
    if (this.#options.foreignPath === undefined) {
      throw new PlatformError('INTERNAL', 'The session is for statements of our own.');
    }
    let isCut = false;
    const onCut = () => {
      isCut = true;
      const { endpoint, key } = this.#lease.connection.wire;
      this.#cancel ??= requestCancel(endpoint, key);
    };
    const limits = { rowBytes, bytes, onCut };
    const step = { text, values, types };
    const result = await this.#inTurn(() => this.#run({ step, settings: settingSteps(settings), limits }));
    return { ...result, isCut };
  }

  /** Cancels what is running and lets nothing more run. */
  stop(reason: PlatformError): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#over = reason;
    void this.#interrupt().then(() => this.#rejectStopped(reason));
  }

  /** Rejects if the session was stopped, however late. */
  settled(): Promise<void> {
    return this.#stopping ? this.stopped : Promise.resolve();
  }

  /**
   * Ends the transaction and returns the connection, at once where nothing went wrong: the next call finds it. Never
   * rejects.
   */
  async close(): Promise<void> {
    this.#endWatch();
    if (this.#unanswered > 0) this.stop(new PlatformError('INTERNAL', 'The session ended before its statement.'));
    this.#closed = true;
    if (this.#stopping) await Promise.allSettled([this.stopped, this.#queue]);
    const { wire } = this.#lease.connection;
    if (this.#cancel && !(await this.#mayServeOn(this.#cancel))) wire.destroy();
    if (this.#begun && !this.#rolledBack && !wire.closed) {
      const rolledBack = rollBack(wire, this.#resets());
      if (!this.#mayOverlap() && !(await withinMs(ROLLBACK_LIMIT_MS, rolledBack))) wire.destroy();
    }
    this.#lease.release();
  }

  #inTurn(run: () => Promise<Result>): Promise<Result> {
    this.#unanswered++;
    const turn = this.#queue.then(run).finally(() => this.#unanswered--);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #run(sending: Sending): Promise<Result> {
    this.#throwIfOver();
    const first = !this.#begun;
    const startedAt = performance.now();
    try {
      return await this.#send(sending);
    } catch (error) {
      const early = performance.now() - startedAt < FOUND_DEAD_WITHIN_MS;
      const mayRunAnew = first && this.#lease.reused && !this.#stopping;
      if (mayRunAnew && (isStale(error) || (early && isLost(error)))) return this.#runAnew(sending);
      throw this.#fail(error);
    }
  }

  /** Nothing has happened in this session yet, so it may as well begin on another connection. */
  async #runAnew(sending: Sending): Promise<Result> {
    this.#begun = false;
    this.#endWatch();
    try {
      await this.#lease.renew(this.#options.deadline.signal);
      this.#throwIfOver();
      return await this.#send(sending);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #send({ step, settings = [], limits }: Sending): Promise<Result> {
    const { wire } = this.#lease.connection;
    const opening = this.#before();
    const before = [...opening, ...settings];
    const single = this.#options.single === true;
    const exchange = wire.exchange(single ? [...before, step, ROLLBACK] : [...before, step], limits);
    const running = exchange.catch(() => undefined);
    this.#running = running;
    try {
      const results = await exchange;
      if (opening.length > 1) this.#noteRecovery(isRecovering(results));
      this.#rolledBack = single;
      const result = results[before.length];
      if (result?.command === '' && this.#cancel) return this.#cutOff(result);
      // COMMIT AND CHAIN begins a new one, without our settings
      if (result && wire.status === (single ? 'I' : 'T') && !/^(COMMIT|ROLLBACK)/.test(result.command)) return result;
      wire.destroy();
      throw new PlatformError('QUERY_FAILED', 'The statement ended the read-only transaction.', {
        hint: 'Leave out COMMIT, ROLLBACK and the like.',
      });
    } finally {
      this.#running = undefined;
    }
  }

  /** What came before the statement was cancelled for its size. */
  #cutOff(result: Result): Result {
    this.#over ??= new PlatformError('INTERNAL', 'The transaction is over, since its result was cut.');
    return result;
  }

  #noteRecovery(inRecovery: boolean): void {
    const { connection } = this.#lease;
    if (connection.facts.inRecovery !== inRecovery) connection.facts = { ...connection.facts, inRecovery };
  }

  /** What goes in front of the next statement, in the same exchange. */
  #before(): Step[] {
    const remainingMs = this.#options.deadline.remainingMs();
    if (this.#begun && this.#serverTimeoutMs - remainingMs < TIMEOUT_SLACK_MS) return [];
    this.#serverTimeoutMs = remainingMs;
    if (this.#begun) return [statementTimeoutStep(remainingMs)];
    this.#begun = true;
    this.#endWatch = this.#lease.watch((reason) => this.stop(reason));
    return openingSteps({ ...this.#options, major: this.facts.major, remainingMs });
  }

  #throwIfOver(): void {
    if (this.#over) throw this.#over;
    if (this.#closed || this.#rolledBack) throw new PlatformError('INTERNAL', 'The session has ended.');
  }

  #fail(error: unknown): PlatformError {
    this.#over ??= this.#isServersDeadline(error) ? this.#timeout(error) : toCallerError(error);
    return this.#over;
  }

  #isServersDeadline(error: unknown): boolean {
    const cancelled = error instanceof DatabaseError && error.code === '57014';
    return cancelled && this.#options.deadline.remainingMs() <= SAME_MOMENT_MS;
  }

  #timeout(cause: unknown): PlatformError {
    const { signal } = this.#options.deadline;
    if (signal.aborted) return toCallerError(signal.reason);
    return new PlatformError('TIMEOUT', 'The server cancelled the statement at the deadline of the call.', {
      hint: TOO_LONG_HINT,
      cause,
    });
  }

  /** Resolves when the statement has ended or its connection was dropped. */
  async #interrupt(): Promise<void> {
    if (!this.#running) return;
    const { wire } = this.#lease.connection;
    this.#cancel = requestCancel(wire.endpoint, wire.key);
    if (!(await withinMs(CANCEL_GRACE_MS, this.#running))) wire.destroy(this.#over);
  }

  /** A late cancel would hit the next statement; behind a pooler, the next one of somebody else. */
  async #mayServeOn(cancel: Promise<boolean>): Promise<boolean> {
    return (await cancel) && this.#lease.pooling === 'session';
  }

  /**
   * Whether the next user of the connection may speak while the answer to our ROLLBACK is on its way. The server takes
   * things in order, and to wait would double the time of short calls on one connection.
   */
  #mayOverlap(): boolean {
    const isOurs = this.#options.foreignPath === undefined;
    return isOurs && this.#cancel === undefined && this.#lease.pooling === 'session';
  }

  /** Behind a pooler the session may be another one by then. */
  #resets(): readonly Step[] {
    if (this.#options.foreignPath === undefined || this.#lease.pooling === 'transaction') return [];
    return this.#takenBack.length === 0 ? RESETS : [...RESETS, ...inCatalog(this.#takenBack)];
  }
}

/** Never rejects: a connection whose transaction may go on is dropped. */
async function rollBack(wire: Wire, resets: readonly Step[]): Promise<void> {
  try {
    await wire.exchange([ROLLBACK, ...resets]);
  } catch {
    wire.destroy();
  }
}

function toStep({ text, params }: Statement, values: Readonly<Record<string, ParameterValue>>): Step {
  const missing = params.find((name) => values[name] === undefined);
  if (missing !== undefined) throw new PlatformError('INTERNAL', `The statement was given no value for "${missing}".`);
  return { text, values: params.map((name) => parameterText(values[name] ?? null)) };
}

/** A prepared statement is gone, or its result has changed with the tables behind it. */
function isStale(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery');
}

function isLost(error: unknown): boolean {
  return toCallerError(error).code === 'SERVER_UNREACHABLE';
}

/** Whether it settled in time. */
async function withinMs(ms: number, settling: Promise<unknown>): Promise<boolean> {
  const clock = new AbortController();
  const inTime = settling.then(() => true);
  const tooLate = sleep(ms, false, { ref: false, signal: clock.signal }).catch(() => false);
  try {
    return await Promise.race([inTime, tooLate]);
  } finally {
    clock.abort();
  }
}
