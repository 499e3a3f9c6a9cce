import type { IncomingMessage } from 'node:http';
import type { Principal } from '../contract/principal.ts';
import type { ApiKeys } from '../identity/api-keys.ts';
import { createAllowances } from './allowance.ts';
import { networkOf } from './client-address.ts';
import { countHeader } from './raw-headers.ts';

/** Invalid credentials that one network may present in a minute before it is told to wait. */
const TOLERATED_FAILURES = 10;
const LONGEST_WAIT_S = 300;
/** Failures that a network can be behind: they are forgiven at the rate at which they are tolerated. */
const MOST_FAILURES = 50;

/** One scheme, one space, one token68 (RFC 6750 §2.1, RFC 9110 §11.2), and nothing after it. */
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;

export type Identified =
  | { readonly principal: Principal }
  | { readonly reason: 'unauthenticated' | 'unrecognized' }
  | { readonly reason: 'too_many_failures'; readonly retryAfterS: number };

/** Who sends a request; only its Authorization header is looked at. */
export type Authenticator = (request: IncomingMessage, address: string) => Identified;

export interface AuthenticationParts {
  readonly keys: ApiKeys;
  readonly anonymous?: Principal | undefined;
  readonly now?: () => number;
}

/**
 * A valid key is served however many invalid ones came from its network: it cannot be guessed, and whoever shares the
 * network with an attacker must not be locked out.
 */
export function createAuthenticator({ keys, anonymous, now }: AuthenticationParts): Authenticator {
  const failures = createAllowances({ perMinute: TOLERATED_FAILURES, deepest: MOST_FAILURES }, now);
  return (request, address) => {
    const { authorization } = request.headers;
    if (authorization === undefined) return anonymous ? { principal: anonymous } : { reason: 'unauthenticated' };
    const single = countHeader(request, 'authorization') === 1;
    const token = single ? BEARER.exec(authorization)?.[1] : undefined;
    // a text that cannot be a key is looked up all the same, so that it takes as long
    const principal = keys.find(token ?? '', address);
    if (principal) return { principal };
    const left = failures.take(networkOf(address));
    if (left >= 0) return { reason: 'unrecognized' };
    return { reason: 'too_many_failures', retryAfterS: Math.min(LONGEST_WAIT_S, 2 ** (Math.ceil(-left) - 1)) };
  };
}
