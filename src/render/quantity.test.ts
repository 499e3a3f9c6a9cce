import { describe, expect, it } from 'vitest';
import { formatQuantity } from './quantity.ts';

describe('quantities', () => {
  it.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 kB'],
    [8192, '8 kB'],
    [1_572_864, '1.5 MB'],
    [1_288_490_189, '1.2 GB'],
    [1_048_575, '1 MB'],
    [107_374_182_400, '100 GB'],
    [5 * 1024 ** 4, '5 TB'],
    [-2048, '-2 kB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(formatQuantity(bytes, 'bytes')).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [0.416, '0.42 ms'],
    [12.34, '12.3 ms'],
    [123.4, '123 ms'],
    [999.6, '1 s'],
    [1234, '1.23 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_800, '1 h'],
    [7_500_000, '2 h 5 min'],
    [90_061_000, '1 d 1 h'],
    [-1500, '-1.5 s'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatQuantity(ms, 'ms')).toBe(text);
  });

  it('writes seconds and percent', () => {
    expect(formatQuantity(86_400, 's')).toBe('1 d');
    expect(formatQuantity(99.95, 'percent')).toBe('100 %');
    expect(formatQuantity(12.34, 'percent')).toBe('12.3 %');
  });
});
