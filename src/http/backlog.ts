import type { ServerResponse } from 'node:http';

export interface BacklogLimits {
  readonly writeTimeoutMs: number;
  readonly unreadBytes: number;
}

/** The answers that clients have not taken yet. */
export interface Backlog {
  /** To be called after a write: does nothing if all of it could be sent. */
  watch(response: ServerResponse): void;
}

/**
 * A client that has not taken what was written within `writeTimeoutMs` is cut off; when more than `unreadBytes` wait for
 * all clients, whoever has let it wait longest is.
 */
export function createBacklog({ writeTimeoutMs, unreadBytes }: BacklogLimits): Backlog {
  const waiting = new Map<ServerResponse, { bytes: number; readonly forget: () => void }>();
  let total = 0;

  function remember(response: ServerResponse) {
    const forget = () => {
      clearTimeout(timer);
      response.off('drain', forget).off('close', forget);
      total -= entry.bytes;
      waiting.delete(response);
    };
    const entry = { bytes: 0, forget };
    const timer = setTimeout(() => response.destroy(), writeTimeoutMs).unref();
    response.on('drain', forget).on('close', forget);
    waiting.set(response, entry);
    return entry;
  }

  function shed(): void {
    for (const [response, { forget }] of waiting) {
      if (total <= unreadBytes) return;
      forget();
      response.destroy();
    }
  }

  return {
    watch(response) {
      if (response.writableLength === 0 || response.destroyed) return;
      const entry = waiting.get(response) ?? remember(response);
      total += response.writableLength - entry.bytes;
      entry.bytes = response.writableLength;
      shed();
    },
  };
}
