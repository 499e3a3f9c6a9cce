import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext } from '../../calls/context.ts';

/** Waits between two looks at counters. Rejects with the reason of the deadline when that passes or the caller leaves. */
export async function pause({ deadline }: Pick<CallContext, 'deadline'>, ms: number): Promise<void> {
  const { signal } = deadline;
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
