import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  stop(): Promise<void>;
}

/** PgBouncer in transaction mode with two connections to the server, which it enters by the socket. */
export async function startPgBouncer({ socketDir, port }: Instance): Promise<PgBouncer> {
  if (PROGRAM === undefined) throw new Error('PgBouncer is not installed.');
  const directory = mkdtempSync(join(tmpdir(), 'howdah-bouncer-'));
  const account = serverAccount();
  const listenPort = await freePort();
  const config = join(directory, 'pgbouncer.ini');
  writeFileSync(
    config,
    `[databases]
* = host=${socketDir} port=${port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
`,
  );
  if (account) for (const path of [directory, config]) chownSync(path, account.uid, account.gid);
  const bouncer = spawn(PROGRAM, ['-q', config], { ...account, cwd: directory, stdio: 'ignore' });
  const exited = new Promise((resolve) => bouncer.once('exit', resolve));
  await untilListening(listenPort);
  return {
    url: `postgres://postgres@127.0.0.1:${listenPort}/postgres?sslmode=disable`,
    stop: async () => {
      bouncer.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function untilListening(port: number): Promise<void> {
  for (const end = performance.now() + 5000; performance.now() < end; await sleep(20)) {
    const socket = connect({ host: '127.0.0.1', port });
    const listens = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (listens) return;
  }
  throw new Error('PgBouncer does not listen.');
}
