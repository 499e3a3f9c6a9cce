import { createCipheriv, createDecipheriv, createHmac, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import { randomBytes, sign, timingSafeEqual, type KeyObject } from 'node:crypto';
import { PlatformError } from '../core/errors.ts';

/** What is sealed for one place can be opened for that place alone. */
export interface Sealed {
  readonly keyId: string;
  /** Nonce of 12 bytes, tag of 16, ciphertext: AES-256-GCM (NIST SP 800-38D). */
  readonly bytes: Buffer;
}

/** A signature and the key that made it. */
export interface Signature {
  readonly keyId: string;
  /** Ed25519 (RFC 8032), in base64url. */
  readonly signature: string;
}

/** The keys under `secrets.key`: one for each use, derived by HKDF-SHA-256 (RFC 5869). The newest seals and signs. */
export interface KeyRing {
  readonly keyId: string;
  /** `place` is bound to what is sealed, such as `oidc_client_secret/corp`. */
  seal(plain: Uint8Array, place: string): Sealed;
  /** Fails with CONFIG_INVALID where its key is not known, and with INTERNAL where it was changed or moved. */
  open(sealed: Sealed, place: string): Buffer;
  /** HMAC-SHA-256 over a row, so that one which somebody else wrote is found. */
  authenticate(text: string, purpose: string): { readonly keyId: string; readonly mac: string };
  isAuthentic(text: string, purpose: string, given: { readonly keyId: string; readonly mac: string }): boolean;
  sign(text: string): Signature;
  /** The keys that signatures are checked with, by key id, in base64url of their raw 32 bytes. */
  publicKeys(): ReadonlyMap<string, string>;
}

interface Derived {
  readonly keyId: string;
  readonly sealing: Buffer;
  readonly authenticating: Buffer;
  readonly signing: KeyObject;
  readonly publicKey: string;
}

const NONCE = 12;
const TAG = 16;
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `keys`: the one in force first, then those before it; each of 32 bytes or more. */
export function createKeyRing(keys: readonly [Uint8Array, ...Uint8Array[]]): KeyRing {
  const derived = keys.map(derive);
  const newest = derived[0] as Derived;
  const byId = new Map(derived.map((key) => [key.keyId, key]));
  const macOf = ({ authenticating }: Derived, text: string, purpose: string) =>
    createHmac('sha256', authenticating)
      .update(`${Buffer.byteLength(purpose)}:${purpose}`)
      .update(text)
      .digest();

  return {
    keyId: newest.keyId,
    seal(plain, place) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', newest.sealing, nonce).setAAD(Buffer.from(place));
      const text = Buffer.concat([cipher.update(plain), cipher.final()]);
      return { keyId: newest.keyId, bytes: Buffer.concat([nonce, cipher.getAuthTag(), text]) };
    },
    open({ keyId, bytes }, place) {
      const key = byId.get(keyId) ?? unknownKey(keyId);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key.sealing, bytes.subarray(0, NONCE), { authTagLength: TAG })
          .setAAD(Buffer.from(place))
          .setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
        return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]);
      } catch (error) {
        throw new PlatformError('INTERNAL', `A secret in the store cannot be opened: ${place}.`, {
          hint: 'It was changed or moved in the store. Restore the store, or enter the secret anew.',
          cause: error,
        });
      }
    },
    authenticate: (text, purpose) => ({
      keyId: newest.keyId,
      mac: macOf(newest, text, purpose).toString('base64url'),
    }),
    isAuthentic(text, purpose, { keyId, mac }) {
      const key = byId.get(keyId);
      if (key === undefined) return false;
      const given = Buffer.from(mac, 'base64url');
      const right = macOf(key, text, purpose);
      return given.length === right.length && timingSafeEqual(given, right);
    },
    sign: (text) => ({
      keyId: newest.keyId,
      signature: sign(null, Buffer.from(text), newest.signing).toString('base64url'),
    }),
    publicKeys: () => new Map(derived.map(({ keyId, publicKey }) => [keyId, publicKey])),
  };
}

/** The id of a key says nothing about it: it is derived like the others. */
function derive(key: Uint8Array): Derived {
  const part = (use: string) => Buffer.from(hkdfSync('sha256', key, 'howdah', use, 32));
  const signing = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, part('sign')]),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    keyId: part('id').toString('hex').slice(0, 12),
    sealing: part('seal'),
    authenticating: part('authenticate'),
    signing,
    publicKey: createPublicKey(signing).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url'),
  };
}

function unknownKey(keyId: string): never {
  throw new PlatformError(
    'CONFIG_INVALID',
    `A secret in the store was sealed with the key ${keyId}, which is not known.`,
    {
      hint: 'Put the key that was in force before under secrets.previous.',
    },
  );
}
