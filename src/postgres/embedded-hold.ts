import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { PlatformError } from '../core/errors.ts';
import { EMBEDDED_PORT, type EmbeddedHome } from './embedded-home.ts';
import { isAlive, isServerOf, readPostmasterFile, stopPostmaster } from './postmaster.ts';
import { PostmasterFailure, startPostmaster } from './postmaster.ts';

/** A session that keeps the server running: it ends with our process, whatever that dies of. */
export interface Hold {
  readonly client: pg.Client;
  /** Whether the server was running already. */
  readonly adopted: boolean;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** An advisory lock of the database `postgres`: every process that uses the server shares it. */
const LOCK = '(1213159236, 1)';

/** What PostgreSQL says when another process was quicker, or when the children of a killed server still run. */
const RETRIED = /lock file ".*" already exists|shared memory block .* is still in use/;

/** Starts the server unless it runs, and holds it. Fails with UNAVAILABLE, or when the signal aborts. */
export async function takeHold(
  home: EmbeddedHome,
  settings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Hold> {
  const end = performance.now() + START_TIMEOUT_MS;
  let cause: unknown;
  for (let adopted = true; performance.now() < end; await sleep(POLL_MS, undefined, { signal })) {
    try {
      if (!(await isRunning(home))) {
        await removeForeignLocks(home);
        await start(home, settings);
        adopted = false;
      }
      return { client: await openHold(home), adopted };
    } catch (error) {
      if (!isPassing(error)) throw unavailable(home, error);
      cause = error;
    }
  }
  throw unavailable(home, cause);
}

/** Ends the hold, and shuts the server down when nobody else holds it: one that ends meanwhile may be quicker to do so. */
export async function release(client: pg.Client, home: EmbeddedHome): Promise<void> {
  try {
    await releaseOnce(client, home);
  } catch (error) {
    if (!isPassing(error)) throw error;
    const again = await openHold(home).catch(() => undefined);
    if (again !== undefined) await release(again, home);
  }
}

async function releaseOnce(client: pg.Client, home: EmbeddedHome): Promise<void> {
  try {
    await client.query(`select pg_catalog.pg_advisory_unlock_shared${LOCK}`);
    const { rows } = await client.query<{ last: boolean }>(`select pg_catalog.pg_try_advisory_lock${LOCK} as last`);
    if (rows[0]?.last === true) await shutDown(home);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Fails with the error of `pg` while the server is starting or stopping. */
export async function openHold({ socketDirectory: host }: EmbeddedHome): Promise<pg.Client> {
  const client = new pg.Client({
    host,
    port: EMBEDDED_PORT,
    user: 'postgres',
    database: 'postgres',
    password: '',
    ssl: false,
    application_name: 'howdah',
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => undefined); // the end that follows is what matters
  try {
    await client.connect();
    await client.query(`select pg_catalog.pg_advisory_lock_shared${LOCK}`);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

async function isRunning({ dataDirectory }: EmbeddedHome): Promise<boolean> {
  const file = await readPostmasterFile(dataDirectory);
  return file !== undefined && (await isServerOf(dataDirectory, file.pid));
}

/** A killed server's locks stop PostgreSQL only when their process id is another process's by now. */
async function removeForeignLocks({ dataDirectory, socketDirectory }: EmbeddedHome): Promise<void> {
  const file = await readPostmasterFile(dataDirectory);
  if (file === undefined || !isAlive(file.pid) || (await isServerOf(dataDirectory, file.pid))) return;
  await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
  await rm(join(socketDirectory, `.s.PGSQL.${EMBEDDED_PORT}.lock`), { force: true });
}

async function start(home: EmbeddedHome, settings: Readonly<Record<string, string>>): Promise<void> {
  const { binaries, account, dataDirectory, logFile } = home;
  await startPostmaster({ binaries, account, dataDirectory, logFile, settings, timeoutMs: START_TIMEOUT_MS });
}

async function shutDown({ dataDirectory }: EmbeddedHome): Promise<void> {
  try {
    await stopPostmaster(dataDirectory, 'SIGINT', STOP_TIMEOUT_MS);
  } catch {
    await stopPostmaster(dataDirectory, 'SIGQUIT', STOP_TIMEOUT_MS);
  }
}

/** What may be over in a moment: the server is starting, stopping, recovering or full. */
function isPassing(error: unknown): boolean {
  if (error instanceof PostmasterFailure) return RETRIED.test(error.log);
  const { code, message } = error as { code?: string; message: string };
  const passing = ['57P01', '57P02', '57P03', '53300', 'ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];
  return passing.includes(code ?? '') || /^(Connection terminated|timeout expired)/.test(message);
}

function unavailable({ logFile, dataDirectory }: EmbeddedHome, cause: unknown): PlatformError {
  return new PlatformError('UNAVAILABLE', `The embedded PostgreSQL in ${dataDirectory} did not start.`, {
    hint: `The end of ${logFile} says why.`,
    cause,
  });
}
