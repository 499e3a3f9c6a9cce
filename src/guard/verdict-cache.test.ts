import { expect, it } from 'vitest';
import { createVerdictCache } from './verdict-cache.ts';

const [anna, bert] = [{}, {}];

it('gives a verdict only to who asked for it and for the same place', () => {
  const cache = createVerdictCache<string>();
  cache.set('SELECT 1', anna, 'shop', 'of anna');
  cache.set('SELECT 1', bert, 'shop', 'of bert');
  expect(cache.get('SELECT 1', anna, 'shop')).toBe('of anna');
  expect(cache.get('SELECT 1', bert, 'shop')).toBe('of bert');
  expect(cache.get('SELECT 1', anna, 'other')).toBeUndefined();
  expect(cache.get('SELECT 2', anna, 'shop')).toBeUndefined();
});

it('forgets after 30 seconds', () => {
  let now = 0;
  const cache = createVerdictCache<string>({ now: () => now });
  cache.set('SELECT 1', anna, 'shop', 'allow');
  now = 29_999;
  expect(cache.get('SELECT 1', anna, 'shop')).toBe('allow');
  now = 30_000;
  expect(cache.get('SELECT 1', anna, 'shop')).toBeUndefined();
});

it('keeps no more than its capacity, the newest of all', () => {
  const cache = createVerdictCache<number>({ capacity: 10_000 });
  for (let i = 0; i < 1000; i++) cache.set(`SELECT ${i}`, anna, '', i);
  const kept = Array.from({ length: 1000 }, (_, i) => cache.get(`SELECT ${i}`, anna, '')).filter(
    (v) => v !== undefined,
  );
  expect(kept).toEqual([991, 992, 993, 994, 995, 996, 997, 998, 999]);
  for (let i = 0; i < 1000; i++) cache.set('SELECT 1', {}, '', i);
  expect(cache.get('SELECT 999', anna, ''), 'one text for many fills it too').toBeUndefined();
});
