import { expect, it } from 'vitest';
import { compileGlob, compileGlobs } from './glob.ts';

it.each([
  ['shop', 'shop', true],
  ['shop', 'Shop', false],
  ['shop', 'shops', false],
  ['*', '', true],
  ['shop-*', 'shop-eu', true],
  ['shop-*', 'shop', false],
  ['*-eu', 'shop-eu', true],
  ['a*b', 'ab', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a.c', 'abc', false],
  ['(x', '(x', true],
  ['caf\u00e9', 'cafe\u0301', true],
])('matches %j with %j: %s', (pattern, name, expected) => {
  expect(compileGlob(pattern)(name)).toBe(expected);
});

it('matches nothing without patterns', () => {
  expect(compileGlobs([])('x')).toBe(false);
});

it('does not backtrack', () => {
  const matches = compileGlob(`${'a*'.repeat(200)}b`);
  const start = performance.now();
  expect(matches('a'.repeat(20_000))).toBe(false);
  expect(performance.now() - start).toBeLessThan(2500);
});
