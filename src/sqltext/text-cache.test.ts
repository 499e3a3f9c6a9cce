import { expect, it } from 'vitest';
import { createTextCache } from './text-cache.ts';

it('forgets what was not asked for the longest, and only when full', () => {
  const cache = createTextCache<string>(1000, (value) => value.length);
  cache.set('a', 'x'.repeat(100));
  cache.set('b', 'x'.repeat(100));
  cache.set('c', 'x'.repeat(100));
  expect(cache.get('a')).toHaveLength(100);
  cache.set('d', 'x'.repeat(100));
  expect(['a', 'b', 'c', 'd'].filter((text) => cache.get(text) !== undefined)).toEqual(['a', 'c', 'd']);
});

it('counts a text that is set again once', () => {
  const cache = createTextCache<string>(1000, (value) => value.length);
  for (let i = 0; i < 10; i++) cache.set('a', 'x'.repeat(i * 10));
  cache.set('b', 'x'.repeat(400));
  expect(cache.get('a')).toHaveLength(90);
});

it('does not keep what is larger than all of it', () => {
  const cache = createTextCache<string>(1000, (value) => value.length);
  cache.set('a', 'x'.repeat(1001));
  expect(cache.get('a')).toBeUndefined();
});
