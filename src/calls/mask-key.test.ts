import { createHash, createHmac, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { MASK_KEY_LENGTH } from '../guard/mask-expression.ts';
import { createKeyRing } from '../store/key-ring.ts';
import { createMaskKeys } from './mask-key.ts';

const ring = createKeyRing([randomBytes(48)]);

it('is what HMAC-SHA-256 makes of a key before it hashes', () => {
  const { mac } = ring.authenticate('["support","shop"]', 'mask_key');
  const [inner, outer] = blocksOf(createMaskKeys(ring)('support', 'shop'));
  const message = 'alice@example.com';
  const first = createHash('sha256').update(inner).update(message).digest();
  const hmac = createHmac('sha256', Buffer.from(mac, 'base64url')).update(message).digest('hex');
  expect(createHash('sha256').update(outer).update(first).digest('hex')).toBe(hmac);
});

it('is another one for each persona, each server and each key, and the same for the same', () => {
  const keys = createMaskKeys(ring);
  const all = [
    keys('a', 'b'),
    keys('b', 'a'),
    keys('a","b', ''),
    keys('a', 'c'),
    createMaskKeys(createKeyRing([randomBytes(48)]))('a', 'b'),
    createMaskKeys(undefined)('a', 'b'),
    createMaskKeys(undefined)('a', 'b'),
  ];
  expect(new Set(all).size).toBe(all.length);
  for (const key of all) expect(key).toMatch(new RegExp(`^[0-9a-f]{${MASK_KEY_LENGTH}}$`));
  expect(createMaskKeys(ring)('a', 'b')).toBe(keys('a', 'b'));
  const own = createMaskKeys(undefined);
  expect(own('a', 'b')).toBe(own('a', 'b'));
});

function blocksOf(key: string): [Buffer, Buffer] {
  const half = MASK_KEY_LENGTH / 2;
  return [Buffer.from(key.slice(0, half), 'hex'), Buffer.from(key.slice(half), 'hex')];
}
