import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createApiKey, idOfApiKey } from './api-key.ts';

describe('a new key', () => {
  it('has an id, a secret and a checksum in base 62, and the hash of all of them', () => {
    const { key, id, hash: hashed } = createApiKey();
    expect(key).toMatch(/^hdh_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    expect(key.slice(4, 16)).toBe(id);
    expect(hashed).toBe(`sha256:${hash('sha256', key)}`);
    expect(idOfApiKey(key)).toBe(id);
  });

  it('is never the same, and uses every digit about equally often', () => {
    const keys = Array.from({ length: 2000 }, () => createApiKey().key);
    expect(new Set(keys).size).toBe(2000);
    const counts = new Map<string, number>();
    for (const digit of keys.map((key) => key.slice(17, 60)).join('')) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    const expected = (2000 * 43) / 62;
    const deviation = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(62);
    // chi-squared with 61 degrees of freedom is above 130 once in a million; bytes modulo 62 would give 600
    expect(deviation).toBeLessThan(130);
  });
});

it('has the checksum that CRC-32 gives, in six digits', () => {
  const stem = `hdh_${'0'.repeat(12)}_${'0'.repeat(43)}`;
  expect(idOfApiKey(`${stem}_0PtgvI`)).toBe('0'.repeat(12));
});

describe('what has not the exact form of a key', () => {
  const { key } = createApiKey();
  const swapped = key.slice(17, 60).replaceAll(/./g, (digit) => (digit === 'a' ? 'b' : 'a'));

  it.each([
    ['nothing', ''],
    ['one that is cut off', key.slice(0, -1)],
    ['one that is longer', `${key}0`],
    ['one with another secret', key.slice(0, 17) + swapped + key.slice(60)],
    ['one without its checksum', key.slice(0, -7)],
    ['another prefix', `hdc${key.slice(3)}`],
    ['a hash', createApiKey().hash],
    ['a JSON web token', 'eyJhbGciOiJub25lIn0.e30.'],
    ['100,000 characters', 'hdh_'.repeat(25_000)],
  ])('has no id: %s', (_, text) => {
    expect(idOfApiKey(text)).toBeUndefined();
  });

  it.each([
    ['a trailing newline', `${key}\n`],
    ['a leading space', ` ${key}`],
    ['a zero-width space', `${key.slice(0, 20)}\u200b${key.slice(20)}`],
    ['lower case', key.toLowerCase()],
    ['upper case', key.toUpperCase()],
    ['full-width digits', key.replace('hdh', 'ｈｄｈ')],
    ['a Cyrillic letter', key.replace('d', '\u0501')],
    ['a NUL', `${key}\0`],
  ])('AK-04: has no id with %s', (_, text) => {
    expect(idOfApiKey(text)).toBeUndefined();
  });
});
