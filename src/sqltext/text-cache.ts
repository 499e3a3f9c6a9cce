import { hash } from 'node:crypto';

/** Remembers what was worked out for a text, but not the text itself, which may hold secrets. */
export interface TextCache<V> {
  get(text: string): V | undefined;
  set(text: string, value: V): void;
}

/** What an entry costs beside its value. */
const ENTRY_BYTES = 200;

/** Forgets what was not asked for the longest when it holds more than `maxBytes`. */
export function createTextCache<V>(maxBytes: number, bytesOf: (value: V) => number): TextCache<V> {
  const entries = new Map<string, V>();
  let bytes = 0;
  const remove = (key: string) => {
    const value = entries.get(key);
    if (value === undefined) return;
    entries.delete(key);
    bytes -= bytesOf(value) + ENTRY_BYTES;
  };
  return {
    get: (text) => {
      const key = keyOf(text);
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set: (text, value) => {
      const key = keyOf(text);
      remove(key);
      entries.set(key, value);
      bytes += bytesOf(value) + ENTRY_BYTES;
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes) break;
        remove(oldest);
      }
    },
  };
}

function keyOf(text: string): string {
  return hash('sha256', text, 'base64');
}
