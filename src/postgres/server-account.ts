import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { geteuid } from 'node:process';
import { PlatformError } from '../core/errors.ts';

/** An operating-system user that PostgreSQL runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Best first; any other that is not root does as well. */
const PREFERRED = ['howdah', 'nobody', 'postgres', 'daemon'];

/** PostgreSQL refuses to run as root: whom to run it as then, undefined when we are not root and run it as ourselves. */
export function serverAccount(uid = geteuid?.(), passwd = '/etc/passwd'): Account | undefined {
  if (uid !== 0) return undefined;
  const entries = readFileSync(passwd, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid > 0);
  const chosen = PREFERRED.flatMap((name) => entries.filter((entry) => entry.name === name))[0] ?? entries[0];
  if (chosen !== undefined) return { uid: chosen.uid, gid: chosen.gid };
  throw new PlatformError('UNSUPPORTED', 'PostgreSQL does not run as root, and this system has no other user.', {
    hint: 'Start Howdah as an ordinary user, or add a user named howdah.',
  });
}

/** Fails with CONFIG_INVALID, naming the first directory on the way to `path` that the account may not enter. */
export async function assertEnterable(path: string, account: Account): Promise<void> {
  for (const directory of ancestors(resolve(path))) {
    const { mode, uid, gid } = await stat(directory);
    const execute = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & execute) !== 0) continue;
    throw new PlatformError(
      'CONFIG_INVALID',
      `PostgreSQL runs as user ${account.uid}, who may not enter ${directory} on the way to ${path}.`,
      { hint: `Choose another place, such as below /var/lib, or let others enter: chmod o+x ${directory}` },
    );
  }
}

/** From the root down to the path itself. */
function ancestors(path: string): string[] {
  return path === dirname(path) ? [path] : [...ancestors(dirname(path)), path];
}
