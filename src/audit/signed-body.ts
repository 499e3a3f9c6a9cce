import { createPublicKey, hash, verify } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.ts';
import type { KeyRing } from '../store/key-ring.ts';

/** A statement of Howdah about its log; `body` is canonical JSON. */
export interface SignedBody {
  readonly body: string;
  readonly keyId: string;
  /** Ed25519 over `body`, in base64url. */
  readonly signature: string;
}

/** By key id, in base64url of the raw 32 bytes. */
export type PublicKeys = ReadonlyMap<string, string>;

export function signBody(keys: Pick<KeyRing, 'sign'>, value: unknown): SignedBody {
  const body = canonicalJson(value);
  return { body, ...keys.sign(body) };
}

export function digestBody(body: string): string {
  return hash('sha256', body, 'hex');
}

/** What a body says, or how it is broken. */
export function readBody<T>(
  keys: PublicKeys,
  schema: z.ZodType<T>,
  { body, keyId, signature }: SignedBody,
): { readonly value: T } | { readonly broken: string } {
  const key = keys.get(keyId);
  if (key === undefined) return { broken: `It is signed with the key ${keyId}, which is not known.` };
  if (!isSigned(key, body, signature)) return { broken: 'Its signature is wrong: it was changed or forged.' };
  const parsed = schema.safeParse(parseJson(body));
  return parsed.success ? { value: parsed.data } : { broken: 'It does not say what it should.' };
}

function isSigned(key: string, body: string, signature: string): boolean {
  try {
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
    return verify(null, Buffer.from(body), publicKey, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
