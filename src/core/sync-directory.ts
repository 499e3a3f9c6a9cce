import { open } from 'node:fs/promises';

/** Makes the entries of a directory durable: fsync(2) on a file does not do that for its name. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
