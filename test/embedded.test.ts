import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { findEmbeddedPackage } from '../src/postgres/binaries.ts';
import { removeEmbedded, startEmbedded, type EmbeddedServer } from '../src/postgres/embedded.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // initdb takes seconds on a busy machine

const isRoot = process.getuid?.() === 0;
const base = mkdtempSync(join(tmpdir(), 'howdah-embedded-'));
if (isRoot) chmodSync(base, 0o711);
const stateDir = join(base, 'state');
mkdirSync(stateDir);
const starting: Promise<unknown>[] = [];
const servers: EmbeddedServer[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await end(child);
  await Promise.allSettled(starting.splice(0));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function start(directory = stateDir): Promise<EmbeddedServer> {
  const started = startEmbedded({ stateDir: directory, name: 'store' });
  starting.push(started.then((server) => servers.push(server)));
  return started;
}

/** The embedded server in another process. */
async function startElsewhere(): Promise<{ child: ChildProcess; url: string; adopted: boolean }> {
  const program = join(import.meta.dirname, 'postgres/embedded-process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, stateDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, ...(JSON.parse(line) as { url: string; adopted: boolean }) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

function lockFile(directory = stateDir): string {
  return join(directory, 'store/data/postmaster.pid');
}

function postmaster(): number {
  return Number(readFileSync(lockFile(), 'utf8').split('\n')[0]);
}

describe('the embedded server', () => {
  it('is a PostgreSQL 18 that listens on a socket only, and lets in the user that we are only', async () => {
    const server = await start();
    expect(server.adopted).toBe(false);
    const [row] = await ask(
      server.url,
      `select current_setting('server_version_num')::int / 10000 as major, current_user::text as role,
         current_setting('listen_addresses') as addresses, current_setting('fsync') as fsync,
         (select array_agg(distinct type || ' ' || auth_method) from pg_hba_file_rules) as rules`,
    );
    expect(row).toEqual({ major: 18, role: 'postgres', addresses: '', fsync: 'on', rules: ['local peer'] });
  });

  it('is shut down by stop, which may be called twice', async () => {
    const server = await start();
    await Promise.all([server.stop(), server.stop()]);
    expect(existsSync(lockFile())).toBe(false);
    await expect(ask(server.url, 'select 1')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps its data from one start to the next', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(await ask(second.url, 'table kept')).toEqual([{ answer: 42 }]);
  });

  it('takes settings and libraries to preload', async () => {
    const server = await startEmbedded({
      stateDir,
      name: 'store',
      settings: { work_mem: '5MB' },
      preload: ['pg_stat_statements'],
    });
    servers.push(server);
    expect(
      await ask(
        server.url,
        `select current_setting('work_mem') as a, current_setting('shared_preload_libraries') as b`,
      ),
    ).toEqual([{ a: '5MB', b: 'pg_stat_statements' }]);
  });

  it.each(['an empty directory', 'its data'])('is one server when several start it at once on %s', async () => {
    const directory = join(base, 'contested');
    mkdirSync(directory, { recursive: true });
    const several = await Promise.all(Array.from({ length: 3 }, () => start(directory)));
    const asked = several.map(({ url }) => ask(url, 'select pg_postmaster_start_time()::text as started'));
    const [one, ...others] = await Promise.all(asked);
    expect(others).toEqual([one, one]);
    expect(several.filter(({ adopted }) => adopted)).toHaveLength(2);
  });

  it('has a short socket where its directory has a long name', async () => {
    const long = join(base, 'a-directory-with-a-very-long-name-'.repeat(3));
    mkdirSync(long);
    const server = await start(long);
    const directory = new URL(server.url).searchParams.get('host') ?? '';
    expect(directory.length).toBeLessThan(60);
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    rmSync(directory, { recursive: true });
  });
});

async function startPair(directory: string): Promise<{ primary: EmbeddedServer; standby: EmbeddedServer }> {
  const primary = await startEmbedded({ stateDir: directory, name: 'pair/one', streaming: true });
  servers.push(primary);
  const { socketDirectory, port, dataDirectory } = primary;
  const standbyOf = { socketDirectory, port, dataDirectory, slot: 'two' };
  const standby = await startEmbedded({ stateDir: directory, name: 'pair/two', standbyOf });
  servers.push(standby);
  return { primary, standby };
}

describe('a standby', () => {
  it('has what its primary had and gets what it writes, also after both were stopped', async () => {
    const directory = join(base, "a 'quoted' place");
    mkdirSync(directory);
    const primary = await startEmbedded({ stateDir: directory, name: 'pair/one', streaming: true });
    await ask(primary.url, 'create table before as select n from generate_series(1, 50000) n');
    await primary.stop();
    const count = 'select count(*)::int as rows, pg_is_in_recovery() as replica from before';
    for (const [rows, text] of [
      [50_001, 'insert into before values (0)'],
      [40_000, 'delete from before where n > 40000 or n = 0'],
    ] as const) {
      const { primary: one, standby } = await startPair(directory);
      await ask(one.url, text);
      await expect.poll(() => ask(standby.url, count), { timeout: 15_000 }).toEqual([{ rows, replica: true }]);
      await Promise.all([standby.stop(), one.stop()]);
      expect(existsSync(join(directory, 'pair/two/data/postmaster.pid'))).toBe(false);
    }
  });

  it('is made anew after its data was removed', async () => {
    const directory = join(base, 'removed');
    mkdirSync(directory);
    const first = await startPair(directory);
    await first.standby.stop();
    await removeEmbedded(directory, 'pair/two');
    expect(existsSync(join(directory, 'pair/two'))).toBe(false);
    const { standby } = await startPair(directory);
    expect(await ask(standby.url, 'select pg_is_in_recovery() as replica')).toEqual([{ replica: true }]);
  });
});

describe('several processes', () => {
  it('share one server, which the last of them shuts down', async () => {
    const server = await start();
    const other = await startElsewhere();
    expect(other).toMatchObject({ adopted: true, url: server.url });
    await server.stop();
    expect(await ask(other.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await end(other.child);
    expect(existsSync(lockFile())).toBe(false);
  });

  it('adopt the server that a killed process has left behind', async () => {
    const killed = await startElsewhere();
    expect(killed.adopted).toBe(false);
    const pid = postmaster();
    await kill(killed.child);
    const server = await start();
    expect(server).toMatchObject({ adopted: true, url: killed.url });
    expect(postmaster()).toBe(pid);
    await server.stop();
    expect(existsSync(lockFile())).toBe(false);
  });
});

describe('a server that was killed', () => {
  it('is started again at the same address, with what was committed', async () => {
    const server = await start();
    await ask(server.url, 'create table committed as select 1 as one');
    process.kill(postmaster(), 'SIGKILL');
    const end = performance.now() + 15_000;
    let rows: unknown;
    while (rows === undefined && performance.now() < end) {
      await sleep(50);
      rows = await ask(server.url, 'table committed').catch(() => undefined);
    }
    expect(rows).toEqual([{ one: 1 }]);
    await server.stop();
    expect(existsSync(lockFile())).toBe(false);
  });

  it('starts though its lock names a process that is another one by now', async () => {
    const server = await start();
    const lock = readFileSync(lockFile(), 'utf8');
    await server.stop();
    const { uid, gid } = statSync(join(stateDir, 'store/data'));
    const other = spawn('sleep', ['60'], isRoot ? { uid, gid } : {}); // PostgreSQL minds its own user's processes only
    children.push(other);
    writeFileSync(lockFile(), lock.replace(/^\d+/, String(other.pid)));
    const again = await start();
    expect(again.adopted).toBe(false);
    expect(await ask(again.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(postmaster()).not.toBe(other.pid);
    expect(other.exitCode).toBeNull();
    await kill(other);
  });
});

describe('a clear error', () => {
  it('names the directory that the user of PostgreSQL may not enter', async ({ skip }) => {
    skip(!isRoot, 'only root runs PostgreSQL as another user');
    const closed = join(base, 'closed');
    mkdirSync(join(closed, 'state'), { recursive: true });
    chmodSync(closed, 0o700);
    await expect(start(join(closed, 'state'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`may not enter ${closed} on the way`),
    });
  });

  it('says that the data is of another major', async () => {
    const old = join(base, 'old');
    mkdirSync(join(old, 'store/data'), { recursive: true });
    writeFileSync(join(old, 'store/data/PG_VERSION'), '17\n');
    await expect(start(old)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('is of PostgreSQL 17, and Howdah brings 18'),
    });
  });

  it('points to the log when PostgreSQL does not start', async () => {
    const options = { stateDir, name: 'store', settings: { shared_buffers: 'nonsense' } };
    const failure = await startEmbedded(options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', hint: expect.stringContaining(join(stateDir, 'store/log')) });
    expect(readFileSync(join(stateDir, 'store/log'), 'utf8')).toContain('nonsense');
  });

  it('says what to do where there are no programs for the platform', () => {
    expect(() => findEmbeddedPackage('plan9-mips')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', hint: expect.stringContaining('store.url') }),
    );
  });
});
