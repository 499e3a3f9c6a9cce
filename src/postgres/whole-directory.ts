import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const ABANDONED_MS = 3_600_000;

/**
 * Makes a directory by filling one beside it that is then renamed: it appears whole or not at all, whenever we are
 * killed. When somebody else was quicker, theirs stays.
 */
export async function makeWholeDirectory(path: string, fill: (partial: string) => Promise<void>): Promise<void> {
  await removeAbandoned(path);
  const partial = await mkdtemp(`${path}.partial-`);
  try {
    await fill(partial);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!(await isThere(path))) throw error;
  }
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** What was being filled when its process was killed. */
async function removeAbandoned(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.partial-`)) continue;
    const partial = join(dirname(path), name);
    const changed = (await stat(partial).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - changed > ABANDONED_MS) await rm(partial, { recursive: true, force: true });
  }
}
