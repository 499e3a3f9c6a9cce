import { expect, it } from 'vitest';
import { readTime } from './time-text.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

it.each([
  ['90s', '2026-03-01T11:58:30.000Z'],
  ['30m', '2026-03-01T11:30:00.000Z'],
  ['2h', '2026-03-01T10:00:00.000Z'],
  ['7d', '2026-02-22T12:00:00.000Z'],
  ['4w', '2026-02-01T12:00:00.000Z'],
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['2026-01-31T10:20Z', '2026-01-31T10:20:00.000Z'],
  ['2026-01-31T10:20:30.5+02:00', '2026-01-31T08:20:30.500Z'],
])('reads %s', (text, time) => {
  expect(readTime('since', text, NOW)).toBe(time);
});

it.each([
  '',
  'yesterday',
  '2',
  '-2h',
  '2 h',
  '1e3s',
  '999999w',
  '2026-01-31T10:20:00',
  '2026-13-01',
  '01/02/2026',
  'infinity',
])('refuses %j, naming what is wrong', (text) => {
  expect(() => readTime('since', text, NOW)).toThrow('The value of `since` is no time');
});
