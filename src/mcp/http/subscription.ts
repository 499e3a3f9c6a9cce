import type { ListChange } from '../methods/listen.ts';
import { eventFrame, keepAlive } from './event-frame.ts';
import type { EventStream } from './exchange.ts';

const NOTIFICATIONS: Readonly<Record<ListChange, string>> = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
};

export interface Subscription {
  /** Resolves when the stream has ended or the client has gone. */
  readonly closed: Promise<void>;
  /** Tells of a change of every list that was asked for, unless the client has one to read that tells the same. */
  changed(): void;
  /** Ends the stream with this result, as JSON. */
  end(result: string): void;
}

interface SubscriptionParts {
  readonly stream: EventStream;
  readonly signal: AbortSignal;
  readonly changes: readonly ListChange[];
  /** Of every notification: it names the subscription. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Acknowledges first, which the protocol wants before all else. */
export function openSubscription({ stream, signal, changes, meta }: SubscriptionParts): Subscription {
  const unread = new Set<ListChange>();
  const stopKeepAlive = keepAlive(stream);
  let isClosed = false;
  let announceClosed: () => void;
  const closed = new Promise<void>((resolve) => {
    announceClosed = resolve;
  });

  function send(method: string, params: object): Promise<void> {
    return stream.write(eventFrame(JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, _meta: meta } })));
  }

  function close(): void {
    isClosed = true;
    stopKeepAlive();
    signal.removeEventListener('abort', close);
    announceClosed();
  }

  signal.addEventListener('abort', close);
  const notifications = Object.fromEntries(changes.map((change) => [change, true]));
  void send('notifications/subscriptions/acknowledged', { notifications });
  return {
    closed,
    changed() {
      for (const change of changes) {
        if (isClosed || unread.has(change)) continue;
        unread.add(change);
        void send(NOTIFICATIONS[change], {}).finally(() => unread.delete(change));
      }
    },
    end(result) {
      if (isClosed) return;
      void stream.write(eventFrame(result));
      stream.end();
      close();
    },
  };
}
