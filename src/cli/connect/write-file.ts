import { constants } from 'node:fs';
import { copyFile, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PlatformError } from '../../core/errors.ts';

/** undefined where there is no such file. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unwritable(file, error);
  }
}

/**
 * Replaces a file whole or not at all, after a copy of the old one was made; a symbolic link stays one.
 * Resolves with the name of the copy, if there was an old file.
 */
export async function replaceFile(file: string, text: string): Promise<string | undefined> {
  try {
    await mkdir(dirname(file), { recursive: true });
    const target = await realpath(file).catch(() => file);
    const old = await stat(target).catch(() => undefined);
    const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '');
    const backup = old === undefined ? undefined : `${target}.${stamp}.bak`;
    if (backup !== undefined) await copyFile(target, backup, constants.COPYFILE_EXCL);
    await writeWhole(target, text, { temporary: `${target}.${stamp}.new`, mode: old?.mode ?? 0o600 });
    return backup;
  } catch (error) {
    throw unwritable(file, error);
  }
}

async function writeWhole(target: string, text: string, how: { temporary: string; mode: number }): Promise<void> {
  const handle = await open(how.temporary, 'wx', how.mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await rename(how.temporary, target);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(how.temporary, { force: true });
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function unwritable(file: string, cause: unknown): PlatformError {
  const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new PlatformError('CONFLICT', `The file ${file} cannot be read or written${reason}.`, {
    hint: 'Leave out --write and paste the snippet.',
    cause,
  });
}
