/** A PostgreSQL of one's own, for tests that stop, freeze, fill or reconfigure it. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopPostmaster } from '../src/postgres/postmaster.ts';
import { serverAccount } from '../src/postgres/server-account.ts';
import { openCache } from './postgres/cache.ts';
import { copyHome, runSql, startInstance, type Instance } from './postgres/instance.ts';
import { prepareData } from './postgres/prepared.ts';
import { installPrograms, majorsUnderTest } from './postgres/programs.ts';

export interface OwnServer extends Instance {
  /** By TCP as a superuser, to the database `postgres`; of no use while the server is a standby. */
  readonly url: string;
  /** The same by the Unix socket, without a password. */
  readonly socketUrl: string;
  /** With the same data, on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The newest PostgreSQL under test; `files` are put beside its data directory, readable by the server only. */
export async function startOwnServer(
  settings: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<OwnServer> {
  const root = mkdtempSync(join(tmpdir(), 'howdah-own-'));
  const watchdog = spawn('sh', [join(import.meta.dirname, 'postgres/watchdog.sh'), root], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  chmodSync(root, 0o711);
  const account = serverAccount();
  const programs = await installPrograms(majorsUnderTest().slice(-1), openCache());
  const [binaries] = programs.values();
  if (binaries === undefined) throw new Error('No PostgreSQL is under test.');
  const home = { directory: join(root, 'server'), binaries, account };
  await copyHome(await prepareData(openCache(), { ...home, directory: join(root, 'scratch') }), home);
  for (const [name, content] of Object.entries(files)) {
    const file = join(home.directory, name);
    writeFileSync(file, content, { mode: 0o600 });
    if (account) chownSync(file, account.uid, account.gid);
  }
  const resolved = Object.entries(settings).map(([name, value]) => [name, value.replace('$HOME', home.directory)]);
  const start = (more: Readonly<Record<string, string>> = {}) =>
    startInstance(home, { ...Object.fromEntries(resolved), ...more });
  const instance = await start();
  const password = randomBytes(18).toString('base64url');
  const set = `execute 'alter role postgres password ''${password}'''`;
  await runSql(instance, 'postgres', `do $$ begin if not pg_is_in_recovery() then ${set}; end if; end $$`);
  return {
    ...instance,
    url: `postgres://postgres:${password}@127.0.0.1:${instance.port}/postgres`,
    socketUrl: `postgres://postgres@/postgres?host=${instance.socketDir}&port=${instance.port}`,
    restart: async () => {
      await stopPostmaster(instance.dataDir, 'SIGINT', 10_000);
      await start({ port: String(instance.port) });
    },
    stop: async () => {
      const exited = new Promise((resolve) => watchdog.once('exit', resolve));
      watchdog.stdin.end();
      await exited;
    },
  };
}
