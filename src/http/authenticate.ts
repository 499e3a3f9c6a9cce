import type { IncomingMessage } from 'node:http';
import type { Principal } from '../contract/principal.ts';
import { createAllowances } from '../core/allowance.ts';
import type { Callers } from '../identity/callers.ts';
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

/**
 * A valid key is served however many invalid ones came from its network: it cannot be guessed, and whoever shares the
 * network with an attacker must not be locked out.
 */
export function createAuthenticator(callers: Callers, now?: () => number): Authenticator {
  const failures = createAllowances({ deepest: MOST_FAILURES, now });
  return (request, address) => {
    const { authorization } = request.headers;
    const isPlain = authorization === undefined || countHeader(request, 'authorization') === 1;
    const principal = recognize(callers, isPlain ? authorization : '', address);
    if (principal) return { principal };
    if (authorization === undefined) return { reason: 'unauthenticated' };
    const left = failures.take(networkOf(address), TOLERATED_FAILURES);
    if (left >= 0) return { reason: 'unrecognized' };
    return { reason: 'too_many_failures', retryAfterS: Math.min(LONGEST_WAIT_S, 2 ** (Math.ceil(-left) - 1)) };
  };
}

/** Whom the value of an Authorization header, or its absence, stands for now. */
export function recognize(callers: Callers, authorization: string | undefined, address: string): Principal | undefined {
  if (authorization === undefined) return callers.anonymous();
  // a text that cannot be a key is looked up all the same, so that it takes as long
  return callers.find(BEARER.exec(authorization)?.[1] ?? '', address);
}
