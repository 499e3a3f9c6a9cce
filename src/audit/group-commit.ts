import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Draft } from './chain.ts';

export interface GroupCommitLimits {
  /** How long one write may take before the callers that wait for it are refused. */
  readonly timeLimitMs: number;
  /** How many events may wait, and how many characters they may have together. */
  readonly maxEvents: number;
  readonly maxCharacters: number;
}

interface Entry {
  readonly draft: Draft;
  readonly characters: number;
  /** Never left out for want of room. */
  readonly isKept: boolean;
  resolve(): void;
  reject(reason: unknown): void;
}

/** What one write holds at most, so that hashing it does not hold up the process. */
const MAX_BATCH = 1000;

export interface GroupCommit {
  /**
   * Resolves when the event is durable; rejects with what stood in the way. One that is kept finds room in a full
   * queue, and stays there until it is written.
   */
  readonly add: (draft: Draft, isKept?: boolean) => Promise<void>;
  /** Writes all that is queued; rejects with what stands in the way. */
  readonly drain: () => Promise<void>;
}

/**
 * Collects events while a write is under way and hands them to the next one together, in order.
 * An event whose caller was refused stays in the queue and goes with the next write that works.
 */
export function groupCommit(
  write: (drafts: readonly Draft[]) => Promise<void>,
  limits: GroupCommitLimits,
): GroupCommit {
  let queue: Entry[] = [];
  let characters = 0;
  let flushing: Promise<void> | undefined;
  /** Why nothing can be written now. */
  let obstacle: Error | undefined;

  async function flush(): Promise<void> {
    obstacle = undefined;
    // A turn of the event loop lets callers that were just answered, or that arrive together, be written together.
    for (await nextTurn(); queue.length > 0; await nextTurn()) {
      const batch = queue.slice(0, MAX_BATCH);
      const timer = setTimeout(refuseOverdue, limits.timeLimitMs);
      try {
        await write(batch.map(({ draft }) => draft));
        obstacle = undefined;
      } catch (error) {
        refuse(error);
        makeRoom();
        break;
      } finally {
        clearTimeout(timer);
      }
      for (const entry of batch) {
        characters -= entry.characters;
        entry.resolve();
      }
      queue = queue.slice(batch.length);
    }
    flushing = undefined;
  }

  function refuseOverdue(): void {
    refuse(new Error(`The device has not finished a write within ${limits.timeLimitMs} ms`));
  }

  function refuse(reason: unknown): void {
    obstacle = reason instanceof Error ? reason : new Error(String(reason));
    for (const entry of queue) entry.reject(obstacle);
  }

  /** Half of the room is for callers to come. */
  function makeRoom(): void {
    const kept: Entry[] = [];
    while (queue.length > limits.maxEvents / 2 || characters > limits.maxCharacters / 2) {
      const last = queue.pop();
      if (last === undefined) break;
      if (last.isKept) kept.unshift(last);
      else characters -= last.characters;
    }
    queue.push(...kept);
  }

  return {
    async add(draft, isKept = false) {
      const added = draft.reduce((sum, text) => sum + text.length, 0);
      const isFull = queue.length >= limits.maxEvents || characters + added > limits.maxCharacters;
      if (isFull && !isKept) {
        throw obstacle ?? new Error('Too many events wait to be written');
      }
      await new Promise<void>((resolve, reject) => {
        queue.push({ draft, characters: added, isKept, resolve, reject });
        characters += added;
        if (flushing === undefined) flushing = flush();
        else if (obstacle !== undefined) reject(obstacle);
      });
    },
    async drain() {
      await flushing;
      if (queue.length > 0) await (flushing = flush());
      if (queue.length > 0) throw obstacle ?? new Error('The queue could not be written');
    },
  };
}
