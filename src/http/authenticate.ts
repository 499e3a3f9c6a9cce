import type { IncomingMessage } from 'node:http';
import { createAllowances } from '../core/allowance.ts';
import { networkOf } from '../core/networks.ts';
import type { Recognition, Recognized } from '../identity/bearer.ts';
import type { Callers } from '../identity/callers.ts';
import { countHeader } from './raw-headers.ts';

/** Invalid credentials that one network may present in a minute before it is told to wait. */
const TOLERATED_FAILURES = 10;
const LONGEST_WAIT_S = 300;
/** Failures that a network can be behind: they are forgiven at the rate at which they are tolerated. */
const MOST_FAILURES = 50;

/** One scheme, one space, one token68 (RFC 6750 §2.1, RFC 9110 §11.2), and nothing after it. */
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;

export type Identified =
  | Recognized
  | { readonly reason: 'unauthenticated' }
  /** `detail` is for the audit log. */
  | { readonly reason: 'unrecognized'; readonly detail?: string | undefined }
  | { readonly reason: 'too_many_failures' | 'unavailable'; readonly retryAfterS: number };

/** Who sends a request; only its Authorization header is looked at. A promise only where somebody else must be asked. */
export type Authenticator = (request: IncomingMessage, address: string) => Identified | Promise<Identified>;

/**
 * A valid credential is served however many invalid ones came from its network: it cannot be guessed, and whoever shares
 * the network with an attacker must not be locked out.
 */
export function createAuthenticator(callers: Callers, now?: () => number): Authenticator {
  const failures = createAllowances({ deepest: MOST_FAILURES, now });

  function judge(recognition: Recognition | undefined, address: string): Identified {
    if (recognition === undefined) return { reason: 'unauthenticated' };
    if ('principal' in recognition) return recognition;
    if (recognition.refused === 'unavailable') return { reason: 'unavailable', retryAfterS: recognition.retryAfterS };
    const left = failures.take(networkOf(address), TOLERATED_FAILURES);
    if (left >= 0) return { reason: 'unrecognized', detail: recognition.detail };
    return { reason: 'too_many_failures', retryAfterS: Math.min(LONGEST_WAIT_S, 2 ** (Math.ceil(-left) - 1)) };
  }

  return (request, address) => {
    const { authorization } = request.headers;
    const isPlain = authorization === undefined || countHeader(request, 'authorization') === 1;
    const recognition = recognize(callers, isPlain ? authorization : '', address);
    if (recognition instanceof Promise) return recognition.then((settled) => judge(settled, address));
    return judge(recognition, address);
  };
}

/** Whether a credential that was recognized would be now; undefined where that cannot be told. */
export function isStillAuthentic(
  callers: Callers,
  authorization: string | undefined,
  address: string,
): boolean | undefined | Promise<boolean | undefined> {
  const recognition = recognize(callers, authorization, address);
  return recognition instanceof Promise ? recognition.then(isInForce) : isInForce(recognition);
}

function isInForce(recognition: Recognition | undefined): boolean | undefined {
  if (recognition === undefined) return false;
  if ('principal' in recognition) return true;
  return recognition.refused === 'unavailable' ? undefined : false;
}

/** What the value of an Authorization header, or its absence, stands for now; undefined for an absence of nobody. */
function recognize(
  callers: Callers,
  authorization: string | undefined,
  address: string,
): Recognition | Promise<Recognition> | undefined {
  if (authorization !== undefined) return callers.recognize(BEARER.exec(authorization)?.[1] ?? '', address);
  const principal = callers.anonymous();
  return principal && { principal, scopes: null, expiresAtMs: Infinity };
}
