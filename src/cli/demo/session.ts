import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { EmbeddedServer } from '../../postgres/embedded.ts';

/** A server of the demo. */
export type DemoServer = Pick<EmbeddedServer, 'socketDirectory' | 'port'>;

/** Who connects, and where to. */
export interface Login {
  readonly user: string;
  readonly database: string;
  /** The application_name. */
  readonly as: string;
  /** Ends the session, whatever it is doing. */
  readonly signal: AbortSignal;
}

/** A session for the time of `work`. */
export async function withSession<T>(
  server: DemoServer,
  login: Login,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await openSession(server, login);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Several sessions of one login, for the time of `work`. */
export async function withSessions<T>(
  server: DemoServer,
  { count, ...login }: Login & { readonly count: number },
  work: (clients: readonly pg.Client[]) => Promise<T>,
): Promise<T> {
  const clients: pg.Client[] = [];
  try {
    while (clients.length < count) clients.push(await openSession(server, login));
    return await work(clients);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** Whoever opens it ends it. */
export async function openSession({ socketDirectory: host, port }: DemoServer, login: Login): Promise<pg.Client> {
  const { user, database, as, signal } = login;
  // a socket has no TLS and needs no password, whatever the PG* variables say
  const client = new pg.Client({ host, port, user, database, application_name: as, ssl: false, password: '' });
  client.on('error', () => undefined); // the statement that fails says it
  const end = () => void client.end();
  client.once('end', () => signal.removeEventListener('abort', end));
  signal.throwIfAborted();
  signal.addEventListener('abort', end, { once: true });
  await client.connect();
  return client;
}

/** Resolves after the time, or when the session has ended; rejects when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal, ending?: pg.Client): Promise<void> {
  const woken = new AbortController();
  const wake = () => woken.abort();
  ending?.once('end', wake);
  try {
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) });
  } catch {
    signal.throwIfAborted();
  } finally {
    ending?.off('end', wake);
  }
}
