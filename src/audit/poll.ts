import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 250;

/** Resolves when it is time to look again for what was added; false once the signal has ended that. */
export async function nextPoll(signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await sleep(POLL_MS, undefined, { signal });
    return true;
  } catch {
    return false; // aborted
  }
}
