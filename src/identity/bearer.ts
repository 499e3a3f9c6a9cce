import type { Principal } from '../contract/principal.ts';
import type { Scope } from '../contract/scope.ts';

/** Whom a credential stands for. */
export interface Recognized {
  readonly principal: Principal;
  /** What the credential is limited to, beside the rights of the principal; null for one that no scopes limit. */
  readonly scopes: readonly Scope[] | null;
  /** Milliseconds since 1970; Infinity for one that does not end by itself. */
  readonly expiresAtMs: number;
}

/**
 * `unrecognized`: it stands for nobody; `detail` says why in words of ours, for the log and the audit log and never for
 * the caller. `unavailable`: what would tell is out of reach, so that it must not be called wrong.
 */
export type NotRecognized =
  | { readonly refused: 'unrecognized'; readonly detail?: string }
  | { readonly refused: 'unavailable'; readonly retryAfterS: number };

export type Recognition = Recognized | NotRecognized;

export const UNRECOGNIZED: NotRecognized = { refused: 'unrecognized' };

/** Knows the bearers of one form. */
export interface Recognizer {
  /** At once where it is known already; never rejects. What is not of its making costs microseconds. */
  recognize(bearer: string, sourceAddress: string): Recognition | Promise<Recognition>;
  /**
   * Whom somebody who was let in by it is taken for now; undefined for one who would not be let in any more. The end of
   * the credential itself is watched by whoever was told `expiresAtMs`.
   */
  renew(principal: Principal): Principal | undefined;
}

/** Who made a bearer, as far as its form tells. */
export type BearerForm = 'api_key' | 'access_token' | 'jwt' | 'unknown';

/** Three parts in base64url; longer than any header that the edge accepts is none. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function formOf(bearer: string): BearerForm {
  if (bearer.startsWith('hdh_')) return 'api_key';
  if (bearer.startsWith('hdt_')) return 'access_token';
  return JWT.test(bearer) ? 'jwt' : 'unknown';
}
