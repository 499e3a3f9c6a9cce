import { expect, it } from 'vitest';
import { isQuickEnough } from './measure-each.ts';

const nothing = { bytes: 0, elapsedMs: 0 };

it('takes a disk for slow that nobody has measured, and leaves time for the answer', () => {
  expect(isQuickEnough(30_000_000, nothing, 1500)).toBe(true);
  expect(isQuickEnough(30_000_001, nothing, 1500)).toBe(false);
  expect(isQuickEnough(0, nothing, 499)).toBe(false);
});

it('goes by what it has read, with caution, once that is enough to go by', () => {
  // 64 MiB in a second are half as many in the next
  const read = { bytes: 67_108_864, elapsedMs: 1000 };
  expect(isQuickEnough(33_554_432, read, 1500)).toBe(true);
  expect(isQuickEnough(33_554_433, read, 1500)).toBe(false);
  // a small one takes as long as asking does
  expect(isQuickEnough(30_000_000, { bytes: 8192, elapsedMs: 100 }, 1500)).toBe(true);
});
