import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopPostmaster } from '../../src/postgres/postmaster.ts';
import { serverAccount } from '../../src/postgres/server-account.ts';
import { openCache } from './cache.ts';
import { startStandby } from './clusters.ts';
import { copyHome, startInstance, type Home, type Instance } from './instance.ts';
import { prepareData } from './prepared.ts';
import { installPrograms, majorsUnderTest } from './programs.ts';

/** Starts a standby of the server, and resolves to its URL. It is stopped with the server. */
type AddStandby = (settings: Readonly<Record<string, string>>) => Promise<string>;

/** Stops the server cleanly and starts it on the same port, with more settings. */
type Restart = (settings?: Readonly<Record<string, string>>) => Promise<void>;

/** Runs `work` with a server of its own, of the newest major under test, whose settings would disturb other tests. */
export async function withSeparateServer(
  settings: Readonly<Record<string, string>>,
  work: (server: Instance, superuserUrl: string, addStandby: AddStandby, restart: Restart) => Promise<void>,
): Promise<void> {
  const [major] = majorsUnderTest().slice(-1);
  if (major === undefined) throw new Error('No PostgreSQL is under test.');
  const cache = openCache();
  const binaries = (await installPrograms([major], cache)).get(major);
  if (!binaries) throw new Error(`PostgreSQL ${major} has no programs here.`);
  const directory = mkdtempSync(join(tmpdir(), 'howdah-separate-'));
  chmodSync(directory, 0o711);
  const home = (name: string): Home => ({ directory: join(directory, name), binaries, account: serverAccount() });
  try {
    const data = await prepareData(cache, home('prepare'));
    await copyHome(data, home('server'));
    const server = await startInstance(home('server'), settings);
    const started = [server];
    try {
      const addStandby: AddStandby = async (more) => {
        const standby = await startStandby(data, home('standby'), server, more);
        started.push(standby);
        return urlOf(standby);
      };
      const restart: Restart = async (more) => {
        await stopPostmaster(server.dataDir, 'SIGINT', 30_000);
        await startInstance(home('server'), { ...settings, ...more, port: String(server.port) });
      };
      await work(server, urlOf(server), addStandby, restart);
    } finally {
      for (const { dataDir } of started) await stopPostmaster(dataDir, 'SIGINT', 30_000);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function urlOf({ socketDir, port }: Instance): string {
  return `postgres:///postgres?user=postgres&host=${encodeURIComponent(socketDir)}&port=${port}`;
}
