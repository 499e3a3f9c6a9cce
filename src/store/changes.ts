import type { StoreConnection } from './connection.ts';

/** What those who keep a copy of something in the store hear of. */
export interface Changes {
  /** Calls `hear` after each change of the topic, and once when changes may have been missed. Returns what ends that. */
  listen(topic: string, hear: () => void): () => void;
  /** Whether nothing can have been missed for longer than a second or two: what is cached counts only then. */
  isLive(): boolean;
  close(): void;
}

/** LISTEN is the quick way; the numbers are asked for as well, since a notification can get lost with its session. */
const POLL_MS = 1000;
const LIVE_MS = 2500;

const NUMBERS = { text: 'select topic, number from howdah.change', values: [] };

/** The only place that listens. `connection` is for this alone. */
export function followChanges(connection: StoreConnection, now: () => number = () => performance.now()): Changes {
  const listeners = new Map<string, Set<() => void>>();
  const known = new Map<string, string>();
  let heardAt = -Infinity;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  function note(topic: string, number: string): void {
    if (known.get(topic) === number) return;
    const isFirst = !known.has(topic) && heardAt === -Infinity;
    known.set(topic, number);
    if (!isFirst) for (const hear of listeners.get(topic) ?? []) hear();
  }

  async function poll(): Promise<void> {
    const asked = now();
    try {
      const [result] = await connection.exchange([NUMBERS]);
      for (const [topic, number] of result?.rows ?? []) note(topic ?? '', number ?? '');
      heardAt = asked;
    } catch {
      // the store is away: `isLive` says so, and what changed meanwhile is found by the number
    }
  }

  async function run(): Promise<void> {
    await poll();
    if (!closed) timer = setTimeout(() => void run(), POLL_MS).unref();
  }

  // anybody who may connect may send a notification: it only says that it is time to look
  connection.onNotification(() => void poll());
  void run();

  return {
    listen(topic, hear) {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(hear));
      return () => void set.delete(hear);
    },
    isLive: () => now() - heardAt < LIVE_MS,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** How a session that hears of changes begins. */
export async function listen(exchange: StoreConnection['exchange']): Promise<void> {
  await exchange([{ text: 'listen howdah', values: [] }]);
}
