import { expect, it } from 'vitest';
import type { WalMoment } from './wal-position.ts';
import { rateBetween } from './wal-rate.ts';

const before: WalMoment = { at_s: 1000, standby: false, bytes: 280_190_976, replayed_bytes: null };

it('is what was written between two looks, not where WAL is', () => {
  const after = { ...before, at_s: 1002.5, bytes: before.bytes ?? 0 };
  expect(rateBetween(before, after)).toEqual({
    of: 'written',
    interval_s: 2.5,
    size: 0,
    size_per_s: 0,
    replayed_per_s: null,
  });
  expect(rateBetween(before, { ...after, bytes: 280_190_976 + 1000 })).toMatchObject({ size: 1000, size_per_s: 400 });
});

it('is what a standby receives, and what it replays', () => {
  const there: WalMoment = { at_s: 10, standby: true, bytes: 5000, replayed_bytes: 1000 };
  expect(rateBetween(there, { ...there, at_s: 12, bytes: 7000, replayed_bytes: 2000 })).toMatchObject({
    of: 'received',
    size_per_s: 1000,
    replayed_per_s: 500,
  });
});

it.each<[string, WalMoment | undefined]>([
  ['there was one look', undefined],
  ['no time went by', before],
  ['the server was demoted meanwhile', { ...before, at_s: 1001, standby: true }],
  ['WAL has no position', { ...before, at_s: 1001, bytes: null }],
])('is unknown when %s', (_, after) => {
  expect(rateBetween(before, after)).toBeNull();
});

it('is never negative', () => {
  expect(rateBetween(before, { ...before, at_s: 1001, bytes: 1 })).toMatchObject({ size: 0, size_per_s: 0 });
});
