import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { Binaries } from '../../src/postgres/binaries.ts';
import { isAlive } from '../../src/postgres/postmaster.ts';
import { assertEnterable, serverAccount, type Account } from '../../src/postgres/server-account.ts';
import type { Major } from '../../src/postgres/version.ts';
import { openCache } from './cache.ts';
import { copyHome, runSql, startInstance, type Home, type Instance } from './instance.ts';
import { prepareData } from './prepared.ts';
import { installPrograms, majorsUnderTest } from './programs.ts';

/** How to reach a server by TCP as each of the roles of every cluster; the URLs name the database `postgres`. */
export interface Server extends Instance {
  readonly superuserUrl: string;
  /** A member of pg_monitor. */
  readonly monitorUrl: string;
  /** A role that was granted nothing but what the fixture grants to it. */
  readonly plainUrl: string;
}

/** A throw-away PostgreSQL; 12, 15 and 18 have a streaming standby, by the slot `standby`. */
export interface Cluster extends Server {
  readonly major: Major;
  readonly standby?: Server;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** By major; those that `PG=…` leaves out, or that have no programs for this platform, are absent. */
    clusters: Readonly<Partial<Record<Major, Cluster>>>;
  }
}

const STANDBYS: readonly Major[] = [12, 15, 18];

/** Vitest's global setup: starts every major under test, all at once; what it returns stops and removes them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cache = openCache();
  const programs = await installPrograms(majorsUnderTest(), cache);
  const places: Places = {
    cache,
    scratch: mkdtempSync(join(tmpdir(), 'howdah-test-')), // on the file system of the cache
    servers: mkdtempSync(join(quickestDirectory(), 'howdah-test-')),
  };
  const watchdog = startWatchdog(places);
  try {
    const clusters = await startAll(places, programs);
    project.provide('clusters', Object.fromEntries(clusters.map((cluster) => [cluster.major, cluster])));
    return async () => {
      await stopWatchdog(watchdog);
      assertGone(places, clusters);
    };
  } catch (error) {
    await stopWatchdog(watchdog);
    throw error;
  }
}

interface Places {
  readonly cache: string;
  readonly scratch: string;
  readonly servers: string;
}

type Passwords = Readonly<Record<'postgres' | 'monitor' | 'plain', string>>;

/** Memory where there is plenty: it copies a data directory seven times as fast as a disk. */
function quickestDirectory(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > 4 * 2 ** 30 ? memory : tmpdir();
}

async function startAll(places: Places, programs: ReadonlyMap<Major, Binaries>): Promise<Cluster[]> {
  const account = serverAccount();
  if (account !== undefined) await openTo(account, Object.values(places));
  const passwords = { postgres: randomPassword(), monitor: randomPassword(), plain: randomPassword() };
  const starting = [...programs].map(async ([major, binaries]) => {
    const scratch = { directory: join(places.scratch, String(major)), binaries, account };
    const home = (name: string): Home => ({ ...scratch, directory: join(places.servers, name) });
    const data = await prepareData(places.cache, scratch);
    const primary = await startPrimary(data, home(`${major}`), passwords);
    const standby = STANDBYS.includes(major) ? await startStandby(data, home(`${major}-standby`), primary) : undefined;
    return {
      major,
      ...withUrls(primary, passwords),
      ...(standby !== undefined && { standby: withUrls(standby, passwords) }),
    };
  });
  await Promise.allSettled(starting); // none may start after the watchdog has looked
  return Promise.all(starting);
}

async function openTo(account: Account, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    chmodSync(directory, 0o711);
    await assertEnterable(directory, account);
  }
}

function randomPassword(): string {
  return randomBytes(18).toString('base64url');
}

async function startPrimary(data: string, home: Home, passwords: Passwords): Promise<Instance> {
  await copyHome(data, home);
  const primary = await startInstance(home);
  const settings = Object.entries(passwords).map(([role, password]) => `alter role ${role} password '${password}'`);
  await runSql(primary, 'postgres', settings.join(';'));
  return primary;
}

/** The slot keeps what the primary has written since the copy until the standby has it. */
export async function startStandby(
  data: string,
  home: Home,
  primary: Instance,
  settings: Readonly<Record<string, string>> = {},
): Promise<Instance> {
  await runSql(primary, 'postgres', `select pg_create_physical_replication_slot('standby', true)`);
  await copyHome(data, home);
  await writeFile(join(home.directory, 'data', 'standby.signal'), '');
  return startInstance(home, {
    primary_conninfo: `host=${primary.socketDir} port=${primary.port} user=postgres application_name=standby`,
    primary_slot_name: 'standby',
    ...settings,
  });
}

function withUrls(instance: Instance, passwords: Passwords): Server {
  const url = (role: keyof Passwords) =>
    `postgres://${role}:${passwords[role]}@${instance.host}:${instance.port}/postgres`;
  return { ...instance, superuserUrl: url('postgres'), monitorUrl: url('monitor'), plainUrl: url('plain') };
}

/** It notices by its standard input that we are gone, so that not even SIGKILL of the tests leaves a server behind. */
function startWatchdog({ scratch, servers }: Places): ChildProcess {
  return spawn('sh', [join(import.meta.dirname, 'watchdog.sh'), scratch, servers], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

async function stopWatchdog(watchdog: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => watchdog.once('exit', resolve));
  watchdog.stdin?.end();
  await exited;
}

function assertGone({ scratch, servers }: Places, clusters: readonly Cluster[]): void {
  const pids = clusters.flatMap(({ pid, standby }) => (standby === undefined ? [pid] : [pid, standby.pid]));
  const left = pids.filter(isAlive);
  if (left.length > 0) throw new Error(`The PostgreSQL processes ${left.join(', ')} are still there.`);
  const kept = [scratch, servers].filter((place) => existsSync(place));
  if (kept.length > 0) throw new Error(`${kept.join(' and ')} could not be removed.`);
}
