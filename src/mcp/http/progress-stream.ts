import { eventFrame, keepAlive } from './event-frame.ts';
import type { EventStream, McpReply } from './exchange.ts';

/** What a client that does not read leaves in memory; notifications beyond it are lost, the result is not. */
const MAX_UNREAD_FRAMES = 16;

/** The answer to a request whose client may be told of its progress: an event stream from the first notification on. */
export interface ProgressStream {
  notify(method: string, params: Readonly<Record<string, unknown>>): void;
  /** Sends the result, whole if there was no notification before it. Resolves when the client has taken it or gone. */
  end(status: number, result: string): Promise<void>;
}

export function createProgressStream(reply: McpReply): ProgressStream {
  let stream: EventStream | undefined;
  let stopKeepAlive: (() => void) | undefined;
  let unread = 0;
  let hasEnded = false;

  function open(): EventStream {
    const opened = reply.stream();
    stopKeepAlive = keepAlive(opened);
    return opened;
  }

  return {
    notify(method, params) {
      if (hasEnded || unread >= MAX_UNREAD_FRAMES) return;
      stream ??= open();
      unread += 1;
      const frame = eventFrame(JSON.stringify({ jsonrpc: '2.0', method, params }));
      void stream.write(frame).finally(() => (unread -= 1));
    },
    async end(status, result) {
      hasEnded = true;
      if (stream === undefined) return reply.send(status, result);
      stopKeepAlive?.();
      await stream.write(eventFrame(result));
      stream.end();
    },
  };
}
