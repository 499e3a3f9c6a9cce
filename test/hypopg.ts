/** Debian's PostgreSQL with HypoPG (`apt-get install postgresql-15-hypopg`): the kits from npm have no such extension. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Binaries } from '../src/postgres/binaries.ts';
import { createDataDirectory } from '../src/postgres/data-directory.ts';
import { serverAccount } from '../src/postgres/server-account.ts';
import { makeHome, startInstance, type Instance } from './postgres/instance.ts';

const DEBIAN = '/usr/lib/postgresql';

/** The newest PostgreSQL of Debian that has HypoPG; undefined where none is installed. */
const PROGRAMS = findPrograms();

export const hasHypoPg = PROGRAMS !== undefined;

export interface HypoPgServer extends Instance {
  /** By the Unix socket as a superuser, without a password. */
  url(database: string): string;
  stop(): Promise<void>;
}

/** An empty server of one's own, with the settings of the others. It goes with the process that started it. */
export async function startHypoPgServer(settings: Readonly<Record<string, string>> = {}): Promise<HypoPgServer> {
  if (PROGRAMS === undefined) throw new Error('HypoPG is not installed.');
  const root = mkdtempSync(join(tmpdir(), 'howdah-hypopg-'));
  chmodSync(root, 0o711);
  const watchdog = spawn('sh', [join(import.meta.dirname, 'postgres/watchdog.sh'), root], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const home = { directory: join(root, 'server'), binaries: PROGRAMS, account: serverAccount() };
  await makeHome(home);
  await createDataDirectory({
    binaries: PROGRAMS,
    directory: join(home.directory, 'data'),
    account: home.account,
    initdb: ['--no-sync'],
  });
  const instance = await startInstance(home, settings);
  return {
    ...instance,
    url: (database) =>
      `postgres:///${database}?user=postgres&host=${encodeURIComponent(instance.socketDir)}&port=${instance.port}`,
    stop: async () => {
      const exited = new Promise((resolve) => watchdog.once('exit', resolve));
      watchdog.stdin.end();
      await exited;
    },
  };
}

function findPrograms(): Binaries | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number).filter(Number.isInteger) : [];
  const [newest] = versions
    .filter((major) => existsSync(`/usr/share/postgresql/${major}/extension/hypopg.control`))
    .toSorted((a, b) => b - a);
  if (newest === undefined) return undefined;
  const program = (name: string) => join(DEBIAN, String(newest), 'bin', name);
  return { version: `debian-${newest}`, major: newest, initdb: program('initdb'), postgres: program('postgres') };
}
