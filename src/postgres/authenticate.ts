import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import pg from 'pg';
import { createMessageLengthGuard } from './message-length-guard.ts';

/** What `pg` gives us of a connection: the parsed messages of the server as events, named as in `pg-protocol`. */
export interface ServerMessages extends EventEmitter {
  readonly stream: Socket;
  /** No row that is announced with more bytes is read, from the next chunk of the server on. */
  limitRows(bytes: number): void;
}

/** What a cancel request must show, 0 if the server gave none; https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS */
export interface CancelKey {
  readonly processId: number;
  readonly secretKey: number;
}

export interface Login {
  readonly user: string;
  readonly database: string;
  /** Asked for only when the server wants one. What it throws is what the login fails with. */
  readonly password: () => Promise<string>;
  readonly channelBinding: boolean;
  readonly maxMessageBytes: number;
}

/** A session that has just become ready for its first statement; nobody listens to its messages yet. */
export interface Authenticated {
  readonly messages: ServerMessages;
  readonly key: CancelKey;
}

// The parts of `pg` that its types leave out.
interface PgConnection extends EventEmitter {
  readonly stream: Socket;
  attachListeners(stream: EventEmitter): void;
}
const PgConnection = pg.Connection as unknown as new (config: { stream: Socket }) => PgConnection;

interface PgClient extends EventEmitter {
  readonly processID: number | null;
  readonly secretKey: number | null;
  connect(): Promise<unknown>;
}
const PgClient = pg.Client as unknown as new (config: object) => PgClient;

/** A connection over an open socket; its parser sees only messages of an acceptable length, and cannot throw at us. */
class GuardedConnection extends PgConnection implements ServerMessages {
  readonly #checkLength: (chunk: Buffer) => void;
  #maxRowBytes = Infinity;

  constructor(socket: Socket, maxMessageBytes: number) {
    super({ stream: socket });
    this.#checkLength = createMessageLengthGuard(maxMessageBytes, () => this.#maxRowBytes);
  }

  limitRows(bytes: number): void {
    this.#maxRowBytes = bytes;
  }

  connect(): void {
    this.stream.on('error', (error) => this.emit('error', error));
    this.stream.on('close', () => this.emit('end'));
    this.attachListeners(this.stream);
    process.nextTick(() => this.emit('connect'));
  }

  override attachListeners(stream: EventEmitter): void {
    const checked = new EventEmitter();
    super.attachListeners(checked);
    stream.on('data', (chunk: Buffer) => {
      if (this.stream.destroyed) return;
      try {
        this.#checkLength(chunk);
        checked.emit('data', chunk);
      } catch (error) {
        this.stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}

/**
 * The two parameters that every pooler lets through. `pg` adds client_encoding UTF8 itself, which PgBouncer keeps for
 * each client; everything else is set in each transaction.
 */
class PlainClient extends PgClient {
  readonly #parameters: Readonly<Record<string, string>>;

  constructor({ user, database, ...config }: { user: string; database: string } & Record<string, unknown>) {
    super({ ...config, user, database });
    this.#parameters = { user, database };
  }

  getStartupConf(): Readonly<Record<string, string>> {
    return this.#parameters;
  }
}

/** Starts a session over an open socket, and closes it when that fails, with `pg`'s or the server's own error. */
export async function authenticate(socket: Socket, login: Login, signal: AbortSignal): Promise<Authenticated> {
  signal.throwIfAborted();
  const connection = new GuardedConnection(socket, login.maxMessageBytes);
  const client = new PlainClient({
    user: login.user,
    database: login.database,
    password: login.password,
    connection,
    enableChannelBinding: login.channelBinding,
    // What `pg` would otherwise take from the environment.
    host: 'unused',
    ssl: false,
    sslnegotiation: 'postgres',
  });
  const onAbort = () => socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  client.on('error', () => undefined); // reaches us as the failure of connect()
  connection.once('end', () =>
    connection.emit('error', Object.assign(new Error('socket closed'), { code: 'ECONNRESET' })),
  );
  try {
    await client.connect();
    connection.removeAllListeners();
    return { messages: connection, key: { processId: client.processID ?? 0, secretKey: client.secretKey ?? 0 } };
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
