import type { Deadline } from '../core/deadline.ts';
import { PlatformError } from '../core/errors.ts';

/** How many may do something at once; who waits is served in turn. */
export interface Turns {
  /** Resolves with what ends the turn. Rejects with TIMEOUT when none came before the deadline. */
  take(deadline: Deadline): Promise<() => void>;
}

/** At least one. */
export function createTurns(limit: number): Turns {
  let free = Math.max(1, limit);
  const waiting: (() => void)[] = [];

  function end(): void {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }

  function wait({ signal }: Deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      const serve = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        waiting.splice(waiting.indexOf(serve), 1);
        reject(tooLate(signal.reason, Math.max(1, limit)));
      };
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.push(serve);
    });
  }

  return {
    async take(deadline) {
      deadline.signal.throwIfAborted();
      if (free > 0) free--;
      else await wait(deadline);
      let isOver = false;
      return () => {
        if (!isOver) end();
        isOver = true;
      };
    },
  };
}

function tooLate(reason: unknown, limit: number): unknown {
  if (!(reason instanceof PlatformError) || reason.code !== 'TIMEOUT') return reason;
  const busy = limit === 1 ? 'The connection' : `All ${limit} connections`;
  return new PlatformError('TIMEOUT', `${busy} for statements of callers stayed in use until the deadline.`, {
    hint: 'Try again when other calls are done, or allow more `connections` to this server: one is kept for diagnostics.',
    details: { connections: limit },
  });
}
