import { realpath, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createDataDirectory } from './data-directory.ts';
import { openHold, release, takeHold } from './embedded-hold.ts';
import { EMBEDDED_PORT, prepareHome, type EmbeddedHome } from './embedded-home.ts';
import { cloneDataDirectory, streamingSettings, type Upstream } from './embedded-standby.ts';
import { stopPostmaster } from './postmaster.ts';

export interface EmbeddedOptions {
  /** What `stateDirectory` gives; holds the programs and, below `name`, the data. */
  readonly stateDir: string;
  /** Such as `store` or `demo/shop`; each is a server of its own. */
  readonly name: string;
  /** As in postgresql.conf; without effect when the server is running already. */
  readonly settings?: Readonly<Record<string, string>>;
  /** shared_preload_libraries, likewise. */
  readonly preload?: readonly string[];
  /** Whether standbys may stream from it. */
  readonly streaming?: boolean;
  /** Makes it a standby of that server, which must be `streaming`; the data is copied from there when it has none yet. */
  readonly standbyOf?: Upstream;
  /** Hears of each step before it is taken. */
  readonly onProgress?: (step: EmbeddedStep) => void;
}

export type EmbeddedStep = 'installing' | 'creating' | 'starting';

export interface EmbeddedServer {
  /** The database `postgres` as its superuser, by the socket. Only the user that Howdah runs as is let in, as any role. */
  readonly url: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** Whether it was running already. */
  readonly adopted: boolean;
  /** Lets go of the server, and shuts it down unless another process holds it. */
  stop(): Promise<void>;
}

const RETRY_MS = 1000;
const STOP_TIMEOUT_MS = 10_000;
const LARGEST_LOG_BYTES = 10_000_000;

/**
 * Starts our own PostgreSQL, or adopts the one that another Howdah, or an earlier one that was killed, left running.
 * When it dies it is started again, at the same address. Fails with UNSUPPORTED, CONFIG_INVALID or UNAVAILABLE.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { stateDir, name, streaming = false, standbyOf, onProgress = () => undefined } = options;
  const home = await prepareHome({
    stateDir,
    name,
    streaming,
    onProgress,
    createData: standbyOf === undefined ? createDataDirectory : (place) => cloneDataDirectory(place, standbyOf),
  });
  await turnLog(home.logFile);
  const settings = settingsOf(home, options);
  const stopping = new AbortController();
  onProgress('starting');
  const first = await takeHold(home, settings, stopping.signal);
  const hold = keepHold(first.client, stopping.signal, async () => {
    return (await takeHold(home, settings, stopping.signal)).client;
  });
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(home),
    socketDirectory: home.socketDirectory,
    port: EMBEDDED_PORT,
    dataDirectory: home.dataDirectory,
    adopted: first.adopted,
    stop: () => (stopped ??= letGo(home, hold, stopping)),
  };
}

/** Ends the server that a killed process may have left, and removes its data: the next start makes it anew. */
export async function removeEmbedded(stateDir: string, name: string): Promise<void> {
  const home = join(await realpath(stateDir), name);
  await stopPostmaster(join(home, 'data'), 'SIGQUIT', STOP_TIMEOUT_MS);
  await rm(home, { recursive: true, force: true });
}

/** The session of now: when it ends without our doing, another is opened, and the server started again if need be. */
function keepHold(first: pg.Client, stopping: AbortSignal, retake: () => Promise<pg.Client>): () => Promise<pg.Client> {
  let current = watch(first);
  return () => current;

  async function watch(client: pg.Client): Promise<pg.Client> {
    client.once('end', () => {
      if (stopping.aborted) return;
      current = again();
      current.catch(() => undefined); // fails only because of a stop, which hears of it itself
    });
    return client;
  }

  async function again(): Promise<pg.Client> {
    for (;;) {
      stopping.throwIfAborted();
      try {
        return await watch(await retake());
      } catch {
        await sleep(RETRY_MS, undefined, { signal: stopping });
      }
    }
  }
}

async function letGo(home: EmbeddedHome, hold: () => Promise<pg.Client>, stopping: AbortController): Promise<void> {
  stopping.abort();
  const client = await hold().catch(() => openHold(home).catch(() => undefined));
  if (client !== undefined) await release(client, home);
}

function settingsOf(home: EmbeddedHome, options: EmbeddedOptions): Readonly<Record<string, string>> {
  const { settings, preload, standbyOf } = options;
  return {
    shared_buffers: '16MB',
    max_wal_size: '256MB',
    io_method: 'sync', // three processes fewer
    log_min_error_statement: 'panic', // no statement goes to the log
    ...settings,
    ...(preload !== undefined && { shared_preload_libraries: preload.join(',') }),
    ...(standbyOf !== undefined && streamingSettings(standbyOf)),
    listen_addresses: '',
    port: String(EMBEDDED_PORT),
    unix_socket_directories: `"${home.socketDirectory.replaceAll('"', '""')}"`, // a list
    unix_socket_permissions: '0700',
    hba_file: home.hbaFile,
    ident_file: home.identFile,
  };
}

function urlOf({ socketDirectory }: EmbeddedHome): string {
  return `postgresql:///postgres?user=postgres&port=${EMBEDDED_PORT}&host=${encodeURIComponent(socketDirectory)}`;
}

/** The log of before is kept as `log.old`. */
async function turnLog(file: string): Promise<void> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size > LARGEST_LOG_BYTES) await rename(file, `${file}.old`);
}
