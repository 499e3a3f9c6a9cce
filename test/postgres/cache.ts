import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const UNUSED_MS = 3_600_000;

/**
 * Where programs and prepared data directories wait for the next run; shared by all runs of one user. Somebody else's
 * directory of that name is refused, since we run what is in it.
 */
export function openCache(): string {
  const uid = process.getuid?.() ?? 0;
  const cache = join(tmpdir(), `howdah-test-cache-${uid}`);
  mkdirSync(cache, { recursive: true });
  const found = lstatSync(cache);
  if (!found.isDirectory() || found.uid !== uid) throw new Error(`${cache} is not ours. Remove it.`);
  chmodSync(cache, 0o711);
  return cache;
}

/** Marks the entry as used, and removes the entries of that prefix that no run has used for an hour. */
export function keepFresh(cache: string, prefix: string, entry: string): void {
  const now = new Date();
  utimesSync(join(cache, entry), now, now);
  for (const other of readdirSync(cache).filter((name) => name.startsWith(prefix))) {
    const unusedMs = now.getTime() - (statSync(join(cache, other), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (unusedMs > UNUSED_MS) rmSync(join(cache, other), { recursive: true, force: true });
  }
}
