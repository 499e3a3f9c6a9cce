import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { geteuid } from 'node:process';
import { PlatformError } from './errors.ts';

/**
 * The directory of what Howdah keeps, made when it is not there: `HOWDAH_STATE`, else `howdah` in XDG_STATE_HOME
 * (https://specifications.freedesktop.org/basedir-spec/latest/), as root `/var/lib/howdah`. Only its owner can read it;
 * root's can be entered, since the embedded PostgreSQL below it does not run as root. Fails with CONFIG_INVALID.
 */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>, uid = geteuid?.()): string {
  const directory = placeOf(env, uid);
  try {
    if (mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined) {
      chmodSync(directory, uid === 0 ? 0o711 : 0o700);
    }
  } catch (error) {
    throw unusable(`The state directory ${directory} cannot be made.`, error);
  }
  const { mode, uid: owner } = statSync(directory);
  if (uid === undefined) return directory;
  // what is in it is run and trusted
  if (owner !== uid && owner !== 0) throw unusable(`The state directory ${directory} belongs to another user.`);
  if ((mode & 0o022) !== 0) throw unusable(`The state directory ${directory} can be written by others.`);
  return directory;
}

/** Where it is, made or not. */
export function placeOf(env: Readonly<Record<string, string | undefined>>, uid: number | undefined): string {
  if (env['HOWDAH_STATE']) return resolve(env['HOWDAH_STATE']);
  const shared = env['XDG_STATE_HOME'];
  if (shared && isAbsolute(shared)) return join(shared, 'howdah');
  if (uid === 0) return '/var/lib/howdah';
  return join(env['HOME'] || homeOf(), '.local/state/howdah');
}

function homeOf(): string {
  try {
    return userInfo().homedir;
  } catch {
    return homedir();
  }
}

function unusable(message: string, cause?: unknown): PlatformError {
  return new PlatformError('CONFIG_INVALID', message, {
    hint: 'Set HOWDAH_STATE to a directory of your own, which no other user can write.',
    cause,
  });
}
