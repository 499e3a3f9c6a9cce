import { execFile } from 'node:child_process';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Binaries } from '../../src/postgres/binaries.ts';
import { PostmasterFailure, startPostmaster, type PostmasterFile } from '../../src/postgres/postmaster.ts';
import type { Account } from '../../src/postgres/server-account.ts';

/** The directory of one server, which holds `data`, the socket and the log. */
export interface Home {
  readonly directory: string;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
}

/** A running server. */
export interface Instance {
  readonly host: string;
  readonly port: number;
  readonly socketDir: string;
  readonly pid: number;
  readonly dataDir: string;
}

/** The superuser needs no password by the socket, whose directory only the owner of the server can enter. */
const HBA = `
local all         postgres              trust
local replication postgres              trust
local all         all                   scram-sha-256
host  all         all      127.0.0.1/32 scram-sha-256
`;

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  password_encryption: 'scram-sha-256', // the default from 14 on
  shared_preload_libraries: 'pg_stat_statements',
  track_io_timing: 'on',
  wal_level: 'logical',
  max_prepared_transactions: '4',
  shared_buffers: '16MB',
  autovacuum: 'off',
  fsync: 'off',
  full_page_writes: 'off',
  jit: 'off',
  log_min_messages: 'warning',
};

export async function makeHome({ directory, account }: Home): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  const hba = join(directory, 'pg_hba.conf');
  await writeFile(hba, HBA);
  if (account === undefined) return;
  await chown(hba, account.uid, account.gid);
  await chown(directory, account.uid, account.gid);
}

/** Makes the home with a copy of the data directory of a stopped server. */
export async function copyHome(data: string, home: Home): Promise<void> {
  await makeHome(home);
  await promisify(execFile)('cp', ['-Rp', data, join(home.directory, 'data')], { ...home.account, cwd: '/' });
}

/** Somebody may take the port between our looking and PostgreSQL's binding; then another one is tried. */
export async function startInstance(home: Home, settings: Readonly<Record<string, string>> = {}): Promise<Instance> {
  for (let attempt = 1; ; attempt++) {
    try {
      return describe(home, await startOn(await freePort(), home, settings));
    } catch (error) {
      const taken = error instanceof PostmasterFailure && error.log.includes('Address already in use');
      if (!taken || attempt === 5) throw error;
    }
  }
}

/** Runs statements as the superuser by the socket, in one connection that is closed before it resolves. */
export async function runSql(instance: Instance, database: string, text: string): Promise<pg.QueryResult> {
  const { socketDir: host, port } = instance;
  const client = new pg.Client({ host, port, user: 'postgres', database, password: '' });
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

function startOn(port: number, home: Home, settings: Readonly<Record<string, string>>): Promise<PostmasterFile> {
  return startPostmaster({
    binaries: home.binaries,
    dataDirectory: join(home.directory, 'data'),
    account: home.account,
    settings: {
      ...SETTINGS,
      port: String(port),
      unix_socket_directories: home.directory,
      hba_file: join(home.directory, 'pg_hba.conf'),
      ...settings,
    },
    logFile: join(home.directory, 'log'),
    timeoutMs: 30_000,
  });
}

function describe({ directory }: Home, { port, pid }: PostmasterFile): Instance {
  return { host: '127.0.0.1', port, socketDir: directory, pid, dataDir: join(directory, 'data') };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
