import { DatabaseError } from 'pg';
import type { Store } from '../store/open-store.ts';
import type { LogFields } from '../telemetry/logger.ts';
import { takeCheckpoint } from './checkpoint.ts';
import { appendCheckpoints } from './checkpoint-file.ts';
import { digestBody, type SignedBody } from './signed-body.ts';

/** Signs how the log is, whenever it has grown, in the store and outside of it. */
export interface Checkpoints {
  /** Takes one now if anything is new. */
  take(): Promise<void>;
}

export interface CheckpointParts {
  readonly store: Pick<Store, 'exchange' | 'keys'>;
  /** The file outside the store. */
  readonly path: string;
  readonly inform: (fields: LogFields, message: string) => void;
  readonly warn: (message: string) => void;
}

/** What could not be written to the file is tried again with the next one; more than so many are in the store alone. */
const MAX_UNWRITTEN = 1000;

export function createCheckpoints({ store, path, inform, warn }: CheckpointParts): Checkpoints {
  let unwritten: SignedBody[] = [];
  let newest = 0;

  return {
    async take() {
      const taken = await takeCheckpoint(store).catch((error: unknown) => {
        // unique_violation: another process was quicker
        if (error instanceof DatabaseError && error.code === '23505') return undefined;
        throw error;
      });
      if (taken !== undefined) {
        const { number, at, totals, body, keyId, signature } = taken;
        if (number <= newest) {
          warn(
            `the store has lost checkpoints from ${number} to ${newest}: it was restored or failed over; run \`howdah audit verify\``,
          );
        }
        newest = number;
        inform({ number, at, ...totals, hash: digestBody(body), body, key_id: keyId, signature }, 'audit checkpoint');
        unwritten = [...unwritten, taken].slice(-MAX_UNWRITTEN);
      }
      if (unwritten.length === 0) return;
      await appendCheckpoints(path, unwritten);
      unwritten = [];
    },
  };
}

const MANY = 1000;
const PAUSE_MS = 200;

/** Calls `nudge` after every thousand events, five times a second at most. */
export function countEvents(nudge: () => void): (written: number) => void {
  let since = 0;
  let waiting = false;
  return (written) => {
    since += written;
    if (since < MANY || waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      since = 0;
      nudge();
    }, PAUSE_MS).unref();
  };
}
