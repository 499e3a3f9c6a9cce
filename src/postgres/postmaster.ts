import { execFile, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import type { Account } from './server-account.ts';

/** What a running server says of itself in `postmaster.pid` (PostgreSQL source, `utils/pidfile.h`). */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
  readonly socketDirectory: string;
  /** `standby` takes connections too: it is `ready` for reading only. */
  readonly status: 'starting' | 'stopping' | 'ready' | 'standby' | 'unknown';
}

/** undefined when there is none, which is how a stopped server looks; a killed one leaves its file behind. */
export async function readPostmasterFile(dataDirectory: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port, socketDirectory = '', , , status = ''] = text.split('\n').map((line) => line.trim());
  if (!Number(pid)) return undefined;
  const known = (['starting', 'stopping', 'ready', 'standby'] as const).find((word) => word === status);
  return { pid: Number(pid), port: Number(port), socketDirectory, status: known ?? 'unknown' };
}

export interface PostmasterOptions {
  readonly binaries: Binaries;
  readonly dataDirectory: string;
  /** undefined: as ourselves. */
  readonly account: Account | undefined;
  readonly settings: Readonly<Record<string, string>>;
  /** Appended to. */
  readonly logFile: string;
  readonly timeoutMs: number;
}

/** The server ended, or was not ready in time; `log` holds its last words. */
export class PostmasterFailure extends Error {
  override readonly name = 'PostmasterFailure';
  readonly log: string;

  constructor(message: string, log: string) {
    super(`${message}\n${log}`);
    this.log = log;
  }
}

/**
 * Starts a server and waits until it takes connections. It is a process group of its own and outlives us; a terminal's
 * Ctrl+C does not reach it.
 */
export async function startPostmaster(options: PostmasterOptions): Promise<PostmasterFile> {
  const { binaries, dataDirectory, account, settings, logFile, timeoutMs } = options;
  const log = await open(logFile, 'a', 0o600);
  const start = (await log.stat()).size;
  try {
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(binaries.postgres, ['-D', dataDirectory, ...args], {
      ...account,
      cwd: dataDirectory,
      env: PROGRAM_ENVIRONMENT,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    const outcome: { failure?: string } = {};
    child.once('error', (error) => (outcome.failure = `PostgreSQL could not be started: ${error.message}`));
    child.once('exit', (code, signal) => (outcome.failure = `PostgreSQL ended at its start (${signal ?? code}).`));
    const end = performance.now() + timeoutMs;
    while (outcome.failure === undefined && performance.now() < end) {
      const file = await readPostmasterFile(dataDirectory);
      if (file?.pid === child.pid && (file?.status === 'ready' || file?.status === 'standby')) return file;
      await sleep(10);
    }
    const words = (await readFile(logFile)).subarray(start).toString('utf8').slice(-2000);
    throw new PostmasterFailure(outcome.failure ?? `PostgreSQL was not ready within ${timeoutMs} ms.`, words);
  } finally {
    await log.close();
  }
}

/** Nothing of ours: PG* variables would change what the programs do, and HOME may not be theirs to read. */
export const PROGRAM_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * `SIGINT` ends every session and shuts down cleanly, `SIGQUIT` at once, leaving recovery to the next start. Resolves
 * when the server has gone; nothing happens when none is running.
 */
export async function stopPostmaster(
  dataDirectory: string,
  signal: 'SIGINT' | 'SIGQUIT',
  timeoutMs: number,
): Promise<void> {
  const running = await readPostmasterFile(dataDirectory);
  if (running === undefined || !(await isServerOf(dataDirectory, running.pid))) return;
  const end = performance.now() + timeoutMs;
  for (process.kill(running.pid, signal); await isServerOf(dataDirectory, running.pid); await sleep(10)) {
    if (performance.now() > end) throw new PostmasterFailure(`PostgreSQL did not stop within ${timeoutMs} ms.`, '');
  }
}

/**
 * Whether the process is the server of this data directory. A killed server leaves its file, and by now its id may be
 * another process's, at which PostgreSQL itself would refuse to start. In doubt it is the server.
 */
export async function isServerOf(dataDirectory: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const command = await commandLine(pid);
  if (command === undefined) return true;
  const isServer = /(^|\/)(postgres|postmaster) /.test(command);
  return isServer && (!command.includes(' -D ') || command.includes(` -D ${dataDirectory} `));
}

/** Whether there is such a process, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Each argument with a space behind it; empty for a process that has ended but is still listed. */
async function commandLine(pid: number): Promise<string | undefined> {
  const linux = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (linux !== undefined) return linux.replaceAll('\0', ' ');
  const ps = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => undefined);
  return ps === undefined ? undefined : `${ps.stdout.trim()} `;
}
