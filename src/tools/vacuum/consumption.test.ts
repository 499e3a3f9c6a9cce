import { describe, expect, it } from 'vitest';
import { daysLeft, measureRate } from './consumption.ts';

const used = {
  next_xid: 5_000_000_600,
  next_mxid: 20,
  at_s: 1160,
  checkpoint_xid: 5_000_000_000,
  checkpoint_mxid: 2 ** 32 - 20,
  checkpoint_s: 1100,
};
const never = () => expect.unreachable();
const later = async () => Promise.resolve({ next_xid: 5_000_001_600, next_mxid: 20, at_s: 1165 });

describe('measureRate', () => {
  it('goes by what was used up since the last checkpoint, also where multixact ids began again', async () => {
    expect(await measureRate(used, 0, never)).toEqual({ xids_per_s: 10, mxids_per_s: 0.667, measured_s: 60 });
  });

  it('knows none within a minute of a checkpoint, nor without one', async () => {
    expect(await measureRate({ ...used, at_s: 1159.9 }, 0, never)).toBeUndefined();
    expect(await measureRate(undefined, 5, never)).toBeUndefined();
  });

  it('goes by a second look where there is one', async () => {
    expect(await measureRate({ ...used, at_s: 1155 }, 10, later)).toEqual({
      xids_per_s: 100,
      mxids_per_s: 0,
      measured_s: 10,
    });
  });
});

it('counts the days until the first of the two kinds of ids has run out', () => {
  const rate = { xids_per_s: 100, mxids_per_s: 10, measured_s: 60 };
  expect(daysLeft({ xids_left: 86_400_000, mxids_left: 86_400_000 }, rate)).toBe(10);
  expect(daysLeft({ xids_left: 86_400_000, mxids_left: 864_000 }, rate)).toBe(1);
  expect(daysLeft({ xids_left: 1, mxids_left: 1 }, { xids_per_s: 0, mxids_per_s: 0, measured_s: 60 })).toBeNull();
  expect(daysLeft({ xids_left: 1, mxids_left: 1 }, undefined)).toBeNull();
});
