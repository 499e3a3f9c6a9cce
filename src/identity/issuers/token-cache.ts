import { hash } from 'node:crypto';
import type { Recognized } from '../bearer.ts';

const TOKENS_KEPT = 10_000;

/** A token that was verified. */
export interface Verified {
  readonly recognized: Recognized;
  /** Whether the key that it was verified with is still one of its issuer's. */
  readonly isSigned: () => boolean;
}

/** Verified tokens by their digest; the tokens themselves are kept nowhere. */
export interface TokenCache {
  get(digest: string): Recognized | undefined;
  add(digest: string, verified: Verified): void;
}

/** SHA-256, since whoever could find another text of the same digest would be let in by it. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

export function createTokenCache(now: () => number, kept = TOKENS_KEPT): TokenCache {
  const tokens = new Map<string, Verified>();
  return {
    get(digest) {
      const known = tokens.get(digest);
      if (!known) return undefined;
      tokens.delete(digest);
      if (now() >= known.recognized.expiresAtMs || !known.isSigned()) return undefined;
      tokens.set(digest, known);
      return known.recognized;
    },
    add(digest, verified) {
      tokens.set(digest, verified);
      if (tokens.size <= kept) return;
      for (const [oldest] of tokens) {
        tokens.delete(oldest);
        return;
      }
    },
  };
}
