import { SUBSCRIPTION_ID_META_KEY, type RequestId, type Result } from '@modelcontextprotocol/server';
import type { Principal } from '../../contract/principal.ts';
import { LIST_CHANGES } from '../methods/listen.ts';
import { isRecord } from '../record.ts';
import type { McpExchange } from './exchange.ts';
import { openSubscription, type Subscription } from './subscription.ts';

/** One is enough for a client; a principal may have several clients. */
const MAX_OF_PRINCIPAL = 16;
const MAX_OPEN = 1024;

/** The streams of `subscriptions/listen`. */
export interface Subscriptions {
  /** Takes a place; what it returns gives it back. Undefined when there is none, or none for this principal. */
  reserve(principal: Principal): (() => void) | undefined;
  /** Serves a subscription that was accepted, until the client goes or `close` is called. */
  serve(exchange: McpExchange, id: RequestId, accepted: Result): Promise<void>;
  changed(): void;
  /** Ends every stream with its result; one that is opened later ends at once. */
  close(): void;
}

/** `completed` makes the message that ends a subscription. */
export function createSubscriptions(completed: (id: RequestId, result: Result) => string): Subscriptions {
  const reserved = new Map<string, number>();
  let total = 0;
  const open = new Map<Subscription, string>();
  let isClosed = false;

  return {
    reserve({ issuer, subject }) {
      const key = JSON.stringify([issuer, subject]);
      const own = reserved.get(key) ?? 0;
      if (own >= MAX_OF_PRINCIPAL || total >= MAX_OPEN) return undefined;
      reserved.set(key, own + 1);
      total += 1;
      return () => {
        const left = (reserved.get(key) ?? 0) - 1;
        if (left > 0) reserved.set(key, left);
        else reserved.delete(key);
        total -= 1;
      };
    },
    async serve({ reply, signal }, id, { notifications, _meta }) {
      if (signal.aborted) return;
      const changes = LIST_CHANGES.filter((change) => isRecord(notifications) && notifications[change] === true);
      const meta = { ..._meta, [SUBSCRIPTION_ID_META_KEY]: id };
      const subscription = openSubscription({ stream: reply.stream(), signal, changes, meta });
      const result = completed(id, { _meta: meta });
      open.set(subscription, result);
      if (isClosed || changes.length === 0) subscription.end(result);
      await subscription.closed;
      open.delete(subscription);
    },
    changed() {
      for (const subscription of open.keys()) subscription.changed();
    },
    close() {
      isClosed = true;
      for (const [subscription, result] of open) subscription.end(result);
    },
  };
}
