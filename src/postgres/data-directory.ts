import { execFile } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { PROGRAM_ENVIRONMENT } from './postmaster.ts';
import type { Account } from './server-account.ts';
import { makeWholeDirectory } from './whole-directory.ts';

export interface DataDirectoryOptions {
  readonly binaries: Binaries;
  readonly directory: string;
  /** Who owns it; undefined: ourselves. */
  readonly account: Account | undefined;
  /** What initdb is told beside the directory, the superuser (`postgres`), the locale (C) and the encoding (UTF8). */
  readonly initdb: readonly string[];
}

/** Makes a database cluster. Whoever starts it says who may log in: initdb's own pg_hba.conf trusts every local user. */
export async function createDataDirectory(options: DataDirectoryOptions): Promise<void> {
  const { binaries, directory, account } = options;
  await makeWholeDirectory(directory, async (partial) => {
    if (account !== undefined) await chown(partial, account.uid, account.gid);
    await promisify(execFile)(
      binaries.initdb,
      ['-D', partial, '-U', 'postgres', '--locale=C', '-E', 'UTF8', '-A', 'trust', ...options.initdb],
      { ...account, cwd: partial, env: PROGRAM_ENVIRONMENT, timeout: 60_000 },
    );
  });
}
