import { expect, it } from 'vitest';
import type { WalCounters } from './wal-counters.ts';
import { ratesBetween, ratesSinceReset, sharesOf } from './wal-derived.ts';

const counters: WalCounters = {
  wal_records: 1000,
  wal_fpi: 10,
  wal_bytes: 200_000,
  wal_buffers_full: 5,
  wal_write: 50,
  wal_sync: 40,
  wal_write_ms: 25,
  wal_sync_ms: 80,
  counted_since: '2026-01-01T00:00:00Z',
  counted_s: 100,
  writes_counted_since: '2026-01-01T00:00:00Z',
  at_s: 1000,
};
const none: WalCounters = {
  ...counters,
  wal_records: 0,
  wal_fpi: 0,
  wal_bytes: 0,
  wal_buffers_full: 0,
  wal_write: 0,
  wal_sync: 0,
  wal_write_ms: null,
  wal_sync_ms: null,
};

it('has shares of what there is', () => {
  expect(sharesOf(counters, { block_size: 8192 })).toEqual({
    record_size: 200,
    fpi_percent: 40.96,
    buffers_full_percent: 10,
    write_ms: 0.5,
    sync_ms: 2,
  });
});

it('has none of nothing', () => {
  expect(sharesOf(none, { block_size: 8192 })).toEqual({
    record_size: null,
    fpi_percent: null,
    buffers_full_percent: null,
    write_ms: null,
    sync_ms: null,
  });
});

it('takes no more images than there is WAL, where those are compressed', () => {
  expect(sharesOf({ ...counters, wal_fpi: 1000 }, { block_size: 8192 })).toMatchObject({ fpi_percent: 100 });
});

it('has rates since the reset and between two looks', () => {
  expect(ratesSinceReset(counters)).toMatchObject({
    seconds: 100,
    records_per_s: 10,
    size_per_s: 2000,
    syncs_per_s: 0.4,
  });
  expect(ratesSinceReset({ ...counters, counted_s: null })).toBeNull();
  expect(ratesSinceReset({ ...counters, counted_s: 0 })).toBeNull();
  const later = { ...counters, at_s: 1002, wal_records: 1500, wal_bytes: 201_000, wal_sync: null };
  expect(ratesBetween({ ...counters, wal_sync: null }, later)).toMatchObject({
    seconds: 2,
    records_per_s: 250,
    size_per_s: 500,
    fpi_per_s: 0,
    syncs_per_s: 0,
  });
});

it('has no rate of writes since another moment', () => {
  expect(ratesSinceReset({ ...counters, writes_counted_since: '2026-01-02T00:00:00Z' })).toMatchObject({
    records_per_s: 10,
    writes_per_s: null,
    syncs_per_s: null,
  });
});

it('has no rate across a reset, or of one look', () => {
  expect(ratesBetween(counters, { ...none, at_s: 1002 })).toBeNull();
  expect(ratesBetween(counters, undefined)).toBeNull();
});
