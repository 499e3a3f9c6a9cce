import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { geteuid } from 'node:process';
import { PlatformError } from '../core/errors.ts';
import { findEmbeddedPackage, installBinaries, type Binaries } from './binaries.ts';
import type { DataDirectoryOptions } from './data-directory.ts';
import { assertEnterable, serverAccount, type Account } from './server-account.ts';
import { isThere } from './whole-directory.ts';

/** What an embedded server is started with. All of it is ours but for the data and the socket, which are the account's. */
export interface EmbeddedHome {
  readonly binaries: Binaries;
  /** undefined: as ourselves. */
  readonly account: Account | undefined;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly hbaFile: string;
  readonly identFile: string;
  readonly logFile: string;
}

export const EMBEDDED_PORT = 5432;

/** The address of a Unix socket is at most 103 bytes on macOS and 107 on Linux, and PostgreSQL adds `.lock` to a name beside it. */
const LONGEST_SOCKET_BYTES = 90;

/** Only the user that Howdah runs as may log in, as any role. */
const HBA = 'local all all peer map=howdah\n';
/** A standby connects as the user that PostgreSQL runs as, who is the only other one that can enter the socket directory. */
const STREAMING_HBA = 'local replication postgres trust\n';

export interface HomeOptions {
  readonly stateDir: string;
  readonly name: string;
  /** Whether standbys may stream from it. */
  readonly streaming: boolean;
  readonly onProgress: (step: 'installing' | 'creating') => void;
  /** Fills the data directory when there is none yet. */
  readonly createData: (options: DataDirectoryOptions) => Promise<void>;
}

/**
 * Finds or makes the directories of an embedded server, its programs and its data. Fails with UNSUPPORTED where there
 * are no programs for this platform or the data is of another major, with CONFIG_INVALID where the place will not do.
 */
export async function prepareHome(options: HomeOptions): Promise<EmbeddedHome> {
  const { stateDir, name, streaming, onProgress } = options;
  const base = await realpath(stateDir);
  const home = join(base, name);
  const dataDirectory = join(home, 'data');
  const account = await accountFor(dataDirectory);
  const programs = join(base, 'programs');
  for (const directory of [base, programs, dirname(home), home]) await makeOurs(directory, account);
  if (account !== undefined) await assertEnterable(home, account);
  const binaries = await installBinaries(findEmbeddedPackage(), programs, () => onProgress('installing'));
  if (!(await isThere(dataDirectory))) {
    onProgress('creating');
    await createData(
      () => options.createData({ binaries, directory: dataDirectory, account, initdb: [] }),
      dataDirectory,
    );
  }
  await assertMajor(dataDirectory, binaries.major);
  return {
    binaries,
    account,
    dataDirectory,
    socketDirectory: await makeSocketDirectory(home, account),
    hbaFile: await writeReadable(join(home, 'pg_hba.conf'), streaming ? HBA + STREAMING_HBA : HBA),
    identFile: await writeReadable(join(home, 'pg_ident.conf'), `howdah "${userName()}" all\n`),
    logFile: join(home, 'log'),
  };
}

/** Whoever owns the data that is there, else somebody who is not root. */
async function accountFor(dataDirectory: string): Promise<Account | undefined> {
  const found = await stat(dataDirectory).catch(() => undefined);
  const root = geteuid?.() === 0;
  if (found === undefined || (root && found.uid === 0)) return serverAccount();
  if (root) return { uid: found.uid, gid: found.gid };
  if (geteuid !== undefined && found.uid !== geteuid()) {
    throw new PlatformError('CONFIG_INVALID', `The data directory ${dataDirectory} belongs to another user.`, {
      hint: 'Start Howdah as the user that started it before, or set HOWDAH_STATE to another place.',
    });
  }
  return undefined;
}

/** Others may go through the directories of root, since the account must, but cannot list them. */
async function makeOurs(directory: string, account: Account | undefined): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (account === undefined) return;
  const { mode, uid } = await stat(directory);
  if (uid === 0) await chmod(directory, (mode & 0o777) | 0o111);
}

async function createData(create: () => Promise<void>, directory: string): Promise<void> {
  try {
    await create();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new PlatformError('UNSUPPORTED', 'The embedded PostgreSQL cannot be run on this system.', {
        hint: 'It needs glibc; on Alpine and other systems with musl name a PostgreSQL of your own: store.url.',
        cause: error,
      });
    }
    throw new PlatformError('UNAVAILABLE', `The data directory ${directory} could not be made.`, {
      hint: 'See that the disk has room, and that the user whom PostgreSQL runs as is known to the system.',
      cause: error,
    });
  }
}

async function assertMajor(dataDirectory: string, major: number): Promise<void> {
  const found = Number.parseInt(await readFile(join(dataDirectory, 'PG_VERSION'), 'utf8').catch(() => ''), 10);
  if (found === major) return;
  throw new PlatformError(
    'UNSUPPORTED',
    `The data directory ${dataDirectory} is of PostgreSQL ${found || 'an unknown version'}, and Howdah brings ${major}.`,
    { hint: `Dump it with the Howdah that made it and restore it here, or move it away to start afresh.` },
  );
}

/** A short one of its own where a socket in the home would have too long a name; always the same for the same home. */
async function makeSocketDirectory(home: string, account: Account | undefined): Promise<string> {
  const usual = join(home, 'run');
  const tooLong = Buffer.byteLength(`${usual}/.s.PGSQL.${EMBEDDED_PORT}`) > LONGEST_SOCKET_BYTES;
  const digest = createHash('sha256').update(home).digest('hex').slice(0, 12);
  const directory = tooLong ? join(tmpdir(), `howdah-${digest}`) : usual;
  await mkdir(directory, { mode: 0o700 }).catch(() => undefined);
  const { mode, uid } = await lstat(directory);
  const owners = [geteuid?.() ?? uid, account?.uid];
  if ((mode & 0o170077) !== 0o040000 || !owners.includes(uid)) {
    throw new PlatformError('CONFIG_INVALID', `The socket directory ${directory} is not a private one of ours.`, {
      hint: 'Remove it, or set HOWDAH_STATE to a path of fewer characters.',
    });
  }
  if (account !== undefined) await chown(directory, account.uid, account.gid);
  return directory;
}

/** Readable for the server, whatever our umask is, and never half written while another process starts it. */
async function writeReadable(path: string, text: string): Promise<string> {
  const partial = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(partial, text);
  await chmod(partial, 0o644);
  await rename(partial, path);
  return path;
}

function userName(): string {
  return userInfo().username.replaceAll('"', '""');
}
