import { expect, it } from 'vitest';
import { isNamed } from './name-pattern.ts';

it.each([
  ['default_pool_size', 'POOL', true],
  ['default_pool_size', 'pool_size', true],
  ['default_pool_size', 'pools', false],
  ['default_pool_size', '*pool*', true],
  ['default_pool_size', 'pool*', false],
  ['default_pool_size', '*_size', true],
  ['default_pool_size', '*_s?ze', true],
  ['default_pool_size', 'default_pool_size?', false],
  ['default_pool_size', 'default*size*', true],
  ['default_pool_size', '*d*d*d*', false],
  ['a.b', 'a?b', true],
  ['default_pool_size', 'default%', true],
  ['default_pool_size', 'pool%', false],
  ['', '*', true],
])('%s is named by %s: %s', (name, pattern, named) => {
  expect(isNamed(name, pattern)).toBe(named);
});

it('takes no longer for a pattern that is made to be slow', () => {
  const begun = performance.now();
  expect(isNamed('a'.repeat(5000), `${'*a'.repeat(99)}b`)).toBe(false);
  expect(performance.now() - begun).toBeLessThan(5000);
});
