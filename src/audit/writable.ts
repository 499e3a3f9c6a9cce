import { access, constants, statfs } from 'node:fs/promises';

/** Whether the audit log can be expected to take the next event: its directory is there, ours, and the disk has room. */
export async function canTakeEvents(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return (await statfs(directory)).bavail > 0;
  } catch {
    return false;
  }
}
