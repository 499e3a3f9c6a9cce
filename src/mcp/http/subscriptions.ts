import { SUBSCRIPTION_ID_META_KEY, type RequestId, type Result } from '@modelcontextprotocol/server';
import type { Principal } from '../../contract/principal.ts';
import { isRecord } from '../../core/record.ts';
import { LIST_CHANGES } from '../methods/listen.ts';
import type { McpExchange } from './exchange.ts';
import { openSubscription, type Subscription } from './subscription.ts';

/** One is enough for a client; a principal may have several clients. */
const MAX_OF_PRINCIPAL = 16;
const MAX_OPEN = 1024;
/** How long a stream of a credential that counts no more is left open at most; it is told nothing. */
const LOOK_AGAIN_MS = 15_000;
/** A timer of Node holds no more, and would end at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The streams of `subscriptions/listen`. */
export interface Subscriptions {
  /** Takes a place; what it returns gives it back. Undefined when there is none, or none for this principal. */
  reserve(principal: Principal): (() => void) | undefined;
  /** Serves a subscription that was accepted, until the client goes, its credential ends or `close` is called. */
  serve(exchange: McpExchange, id: RequestId, accepted: Result): Promise<void>;
  /** Tells all whose credential is in force, and ends the streams of the others. */
  changed(): void;
  /** Ends every stream with its result; one that is opened later ends at once. */
  close(): void;
}

export interface SubscriptionsParts {
  /** Makes the message that ends a subscription. */
  readonly completed: (id: RequestId, result: Result) => string;
  readonly isStillAuthentic: IsStillAuthentic;
}

/** Whether the credential of an exchange that goes on is still in force; undefined where that cannot be told now. */
export type IsStillAuthentic = (exchange: McpExchange) => Authentic | Promise<Authentic>;
type Authentic = boolean | undefined;

interface Open {
  readonly subscription: Subscription;
  readonly exchange: McpExchange;
  /** Its last message. */
  readonly result: string;
}

export function createSubscriptions({ completed, isStillAuthentic }: SubscriptionsParts): Subscriptions {
  const reserved = new Map<string, number>();
  let total = 0;
  const open = new Set<Open>();
  let isClosed = false;

  /** Ends it if its credential has ended; otherwise it may be told something, if the credential is known to be in force. */
  function look(mine: Open, onInForce?: () => void): void {
    const settle = (authentic: Authentic) => {
      if (isClosed || authentic === false || Date.now() >= mine.exchange.expiresAtMs) {
        mine.subscription.end(mine.result);
      } else if (authentic === true) onInForce?.();
    };
    const authentic = isStillAuthentic(mine.exchange);
    if (authentic instanceof Promise) void authentic.then(settle);
    else settle(authentic);
  }

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
    async serve(exchange, id, { notifications, _meta }) {
      const { reply, signal } = exchange;
      if (signal.aborted) return;
      const changes = LIST_CHANGES.filter((change) => isRecord(notifications) && notifications[change] === true);
      const meta = { ..._meta, [SUBSCRIPTION_ID_META_KEY]: id };
      const subscription = openSubscription({ stream: reply.stream(), signal, changes, meta });
      const result = completed(id, { _meta: meta });
      const mine = { subscription, exchange, result };
      open.add(mine);
      if (changes.length === 0) subscription.end(result);
      // the credential may have ended while the request was under way
      look(mine);
      const looking = setInterval(() => look(mine), LOOK_AGAIN_MS).unref();
      const leftMs = exchange.expiresAtMs - Date.now();
      const expiry = leftMs < LONGEST_TIMER_MS ? setTimeout(() => look(mine), Math.max(0, leftMs)).unref() : undefined;
      await subscription.closed;
      clearInterval(looking);
      clearTimeout(expiry);
      open.delete(mine);
    },
    changed() {
      for (const mine of open) look(mine, () => mine.subscription.changed());
    },
    close() {
      isClosed = true;
      for (const { subscription, result } of open) subscription.end(result);
    },
  };
}
