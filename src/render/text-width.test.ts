import { describe, expect, it } from 'vitest';
import { padEnd, padStart, shorten, textWidth } from './text-width.ts';

describe('text width', () => {
  it.each([
    ['orders', 6],
    ['注文', 4],
    ['ｶﾅ', 2],
    ['한글', 4],
    ['cafe\u0301', 4],
    ['🐘', 2],
    ['🇩🇪', 2],
    ['…', 1],
    ['', 0],
  ])('counts the columns of %j as %i', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  it('shortens to the width and marks the cut', () => {
    expect(shorten('customers', 9)).toBe('customers');
    expect(shorten('customers', 5)).toBe('cust…');
  });

  it('never cuts a wide character in half', () => {
    expect(shorten('注文明細', 6)).toBe('注文…');
    expect(textWidth(shorten('注文明細', 6))).toBe(5);
  });

  it('keeps a mark with its letter', () => {
    expect(shorten('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  });

  it('does not segment a megabyte to show ten columns', () => {
    const started = performance.now();
    expect(textWidth(shorten('文'.repeat(1_000_000), 10))).toBe(9);
    expect(performance.now() - started).toBeLessThan(100);
  });

  it('pads by columns, not by characters', () => {
    expect(padEnd('注文', 6)).toBe('注文  ');
    expect(padStart('12', 4)).toBe('  12');
  });
});
