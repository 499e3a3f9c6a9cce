import type { JWSHeaderParameters } from 'jose';
import { isRecord } from '../../core/record.ts';
import type { Claims } from './claims.ts';

const LONGEST_KEY_ID = 256;

/** A token before its signature is looked at: nothing in it is true yet. */
export interface UnverifiedJwt {
  readonly header: JWSHeaderParameters & { readonly alg: string };
  readonly claims: Claims;
}

/** Undefined for what is no JWT. Costs microseconds: no longer text than a header of HTTP comes here. */
export function readJwt(text: string): UnverifiedJwt | undefined {
  const [first = '', second = ''] = text.split('.', 2);
  const [header, claims] = [parse(first), parse(second)];
  if (!header || !claims || typeof header['alg'] !== 'string') return undefined;
  return { header: { ...header, alg: header['alg'] }, claims };
}

/** Why the header of a token cannot be used; what it says of keys beside their id is never looked at. */
export function flawOfHeader(header: UnverifiedJwt['header'], algorithms: readonly string[]): string | undefined {
  const { alg, kid, typ, crit } = header as Readonly<Record<string, unknown>>;
  if (typeof alg !== 'string' || !algorithms.includes(alg)) return 'algorithm';
  if (crit !== undefined || header.b64 !== undefined) return 'critical header';
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KEY_ID)) return 'unknown key';
  // RFC 9068 §4 and RFC 8725 §3.11; some issuers leave it out, as RFC 7519 §5.1 lets them
  return typ === undefined || (typeof typ === 'string' && /^(application\/)?(at\+)?jwt$/i.test(typ))
    ? undefined
    : 'type';
}

function parse(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
