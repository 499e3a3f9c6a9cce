import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopPostmaster } from '../../src/postgres/postmaster.ts';
import { serverAccount } from '../../src/postgres/server-account.ts';
import { openCache } from './cache.ts';
import { copyHome, startInstance, type Home, type Instance } from './instance.ts';
import { prepareData } from './prepared.ts';
import { installPrograms, majorsUnderTest } from './programs.ts';

/** Runs `work` with a server of its own, of the newest major under test, whose settings would disturb other tests. */
export async function withSeparateServer(
  settings: Readonly<Record<string, string>>,
  work: (server: Instance, superuserUrl: string) => Promise<void>,
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
    await copyHome(await prepareData(cache, home('prepare')), home('server'));
    const server = await startInstance(home('server'), settings);
    try {
      await work(
        server,
        `postgres:///postgres?user=postgres&host=${encodeURIComponent(server.socketDir)}&port=${server.port}`,
      );
    } finally {
      await stopPostmaster(server.dataDir, 'SIGINT', 30_000);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
