import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKeyRing } from './key-ring.ts';

const A = Buffer.alloc(48, 'a');
const B = Buffer.alloc(48, 'b');
const plain = Buffer.from('a secret');

describe('a key ring', () => {
  it('opens what it sealed, at that place alone', () => {
    const ring = createKeyRing([A]);
    const sealed = ring.seal(plain, 'client_secret/corp');
    expect(sealed.bytes.includes(plain)).toBe(false);
    expect(ring.open(sealed, 'client_secret/corp')).toEqual(plain);
    expect(() => ring.open(sealed, 'client_secret/other')).toThrow('cannot be opened');
    expect(ring.seal(plain, 'x').bytes).not.toEqual(ring.seal(plain, 'x').bytes);
  });

  it.each([0, 11, 12, 27, 28, 35])('finds that byte %i of what is sealed was changed', (i) => {
    const ring = createKeyRing([A]);
    const { keyId, bytes } = ring.seal(plain, 'p');
    bytes.writeUInt8(bytes.readUInt8(i) ^ 1, i);
    expect(() => ring.open({ keyId, bytes }, 'p')).toThrow('cannot be opened');
    expect(() => ring.open({ keyId, bytes: bytes.subarray(0, 20) }, 'p')).toThrow('cannot be opened');
  });

  it('opens with a key of before, seals with the newest, and says which one is missing', () => {
    const old = createKeyRing([A]).seal(plain, 'p');
    const ring = createKeyRing([B, A]);
    expect(ring.open(old, 'p')).toEqual(plain);
    expect(ring.seal(plain, 'p').keyId).toBe(createKeyRing([B]).keyId);
    expect(() => createKeyRing([B]).open(old, 'p')).toThrow(`the key ${old.keyId}`);
  });

  it('knows what it authenticated, for that purpose alone', () => {
    const ring = createKeyRing([B, A]);
    const given = createKeyRing([A]).authenticate('row', 'persona');
    expect(ring.isAuthentic('row', 'persona', given)).toBe(true);
    expect(ring.isAuthentic('row2', 'persona', given)).toBe(false);
    expect(ring.isAuthentic('row', 'key', given)).toBe(false);
    expect(ring.isAuthentic('row', 'persona', { ...given, mac: '' })).toBe(false);
    expect(ring.isAuthentic('row', 'persona', { ...given, keyId: 'unknown' })).toBe(false);
    // what is authenticated does not run over into what it is for
    expect(ring.isAuthentic('', 'personarow', ring.authenticate('row', 'persona'))).toBe(false);
  });

  it('signs so that whoever has the public key can check it', () => {
    const ring = createKeyRing([A]);
    const { keyId, signature } = ring.sign('checkpoint');
    const x = ring.publicKeys().get(keyId) ?? '';
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, Buffer.from('checkpoint'), key, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(verify(null, Buffer.from('checkpoinT'), key, Buffer.from(signature, 'base64url'))).toBe(false);
  });
});
