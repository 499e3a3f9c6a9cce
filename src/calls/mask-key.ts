import { createHmac, randomBytes } from 'node:crypto';
import { MASK_KEY_LENGTH } from '../guard/mask-expression.ts';
import type { KeyRing } from '../store/key-ring.ts';

/** The value of the setting `howdah.mask_key` for a persona on a server: to be bound as a parameter, for one transaction. */
export type MaskKeys = (persona: string, server: string) => string;

/** Bytes of a block of SHA-256 (FIPS 180-4). */
const BLOCK = MASK_KEY_LENGTH / 4;

/**
 * Under `secrets.key` the hashes of a value stay the same for a persona and a server until the key is changed; without
 * one, until the process ends. Two personas, and two servers, never share one.
 */
export function createMaskKeys(keys: Pick<KeyRing, 'authenticate'> | undefined): MaskKeys {
  const own = randomBytes(32);
  const derive = (place: string) =>
    keys === undefined
      ? createHmac('sha256', own).update(place).digest()
      : Buffer.from(keys.authenticate(place, 'mask_key').mac, 'base64url');
  return (persona, server) => {
    const key = derive(JSON.stringify([persona, server]));
    return padded(key, 0x36) + padded(key, 0x5c);
  };
}

/** The key as HMAC mixes it into the inner and the outer hash (RFC 2104), so that SQL need not. */
function padded(key: Buffer, pad: number): string {
  const block = Buffer.alloc(BLOCK, pad);
  for (const [i, byte] of key.entries()) block[i] = byte ^ pad;
  return block.toString('hex');
}
