import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverAccount } from '../src/postgres/server-account.ts';
import type { Instance } from './postgres/instance.ts';

/** By PATH, or where Debian puts it. */
const PROGRAM = ['pgbouncer', '/usr/sbin/pgbouncer'].find((path) => spawnSync(path, ['--version']).status === 0);

export const hasPgBouncer = PROGRAM !== undefined;

export interface PgBouncer {
  /** As a superuser, to the database `postgres`. */
  readonly url: string;
  readonly port: number;
  /** As one of its users, with the password that `users` has. */
  urlOf(user: string, database: string): string;
  /** Ends the process and starts it anew on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface PgBouncerOptions {
  /** Lines of `[databases]` in place of one for all; `$SERVER` is where the server is. */
  readonly databases?: readonly string[];
  /** Of `[pgbouncer]`, over those that are below; `$HOME` is the directory that `files` are in. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Names and passwords; without any, everybody may log in as anybody. */
  readonly users?: Readonly<Record<string, string>>;
  /** Put beside its configuration, readable by PgBouncer only. */
  readonly files?: Readonly<Record<string, string>>;
}

/** PgBouncer in transaction mode with two connections to the server, which it enters by the socket as a superuser. */
export async function startPgBouncer(instance: Instance, options: PgBouncerOptions = {}): Promise<PgBouncer> {
  if (PROGRAM === undefined) throw new Error('PgBouncer is not installed.');
  const directory = mkdtempSync(join(tmpdir(), 'howdah-bouncer-'));
  const account = serverAccount();
  const port = await freePort();
  const files = { ...options.files, 'pgbouncer.ini': iniOf({ instance, directory, port }, options) };
  const { users = {} } = options;
  const known = Object.entries(users).map(([name, password]) => `"${name}" "${password}"\n`);
  for (const [name, content] of Object.entries({ ...files, 'users.txt': known.join('') })) {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    if (account) chownSync(path, account.uid, account.gid);
  }
  if (account) chownSync(directory, account.uid, account.gid);
  const start = async () => {
    const log = openSync(join(directory, 'log'), 'a');
    const args = [join(directory, 'pgbouncer.ini')];
    const started = spawn(PROGRAM, args, { ...account, cwd: directory, stdio: ['ignore', 'ignore', log] });
    closeSync(log);
    if (await isListening(port)) return started;
    throw new Error(`PgBouncer does not listen: ${readFileSync(join(directory, 'log'), 'utf8')}`);
  };
  let bouncer = await start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`,
    port,
    urlOf: (user, database) => `postgres://${user}:${users[user]}@127.0.0.1:${port}/${database}?sslmode=disable`,
    restart: async () => {
      await end(bouncer);
      bouncer = await start();
    },
    stop: async () => {
      await end(bouncer);
      rmSync(directory, { recursive: true });
    },
  };
}

interface Place {
  readonly instance: Instance;
  readonly directory: string;
  readonly port: number;
}

function iniOf({ instance, directory, port }: Place, options: PgBouncerOptions): string {
  const server = `host=${instance.socketDir} port=${instance.port} user=postgres`;
  const databases = (options.databases ?? ['* = $SERVER']).map((line) => line.replace('$SERVER', server));
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: options.users ? 'scram-sha-256' : 'any',
    auth_file: join(directory, 'users.txt'),
    pool_mode: 'transaction',
    default_pool_size: '2',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value.replace('$HOME', directory)}`);
  return ['[databases]', ...databases, '[pgbouncer]', ...lines, ''].join('\n');
}

async function end(bouncer: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => bouncer.once('exit', resolve));
  bouncer.kill('SIGKILL');
  await exited;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function isListening(port: number): Promise<boolean> {
  for (const end = performance.now() + 5000; performance.now() < end; await sleep(20)) {
    const socket = connect({ host: '127.0.0.1', port });
    const listens = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (listens) return true;
  }
  return false;
}
