import { z } from 'zod';
import type { WalCounters, WalTuning } from './wal-counters.ts';

const percent = z.number().nullable().meta({ unit: 'percent' });
const rate = z.number().nullable();
const ms = z.number().nullable().meta({ unit: 'ms' });

/** What the counters say together. */
export const walShares = z.object({
  record_size: z.number().nullable().meta({ unit: 'bytes' }).describe('Of a record on average.'),
  fpi_percent: percent.describe(
    'Most that full page images may take of all WAL; holes and compression make them smaller.',
  ),
  buffers_full_percent: percent.describe('Of all writes, those because wal_buffers was full.'),
  write_ms: ms.describe('Of a write on average.'),
  sync_ms: ms.describe('Of a sync on average, for which commits wait.'),
});
export type WalShares = z.output<typeof walShares>;

export const walRates = z.object({
  seconds: z.number().meta({ unit: 's' }),
  records_per_s: rate,
  fpi_per_s: rate,
  size_per_s: rate.meta({ unit: 'bytes' }),
  buffers_full_per_s: rate,
  writes_per_s: rate,
  syncs_per_s: rate,
});
type WalRates = z.output<typeof walRates>;

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function ratio(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : rounded(part / whole);
}

export function sharesOf(counters: WalCounters, { block_size }: Pick<WalTuning, 'block_size'>): WalShares {
  const { wal_records, wal_fpi, wal_bytes, wal_buffers_full, wal_write, wal_sync, wal_write_ms, wal_sync_ms } =
    counters;
  return {
    record_size: ratio(wal_bytes, wal_records),
    fpi_percent: wal_bytes === 0 ? null : rounded(Math.min(100, (100 * wal_fpi * block_size) / wal_bytes)),
    buffers_full_percent: ratio(100 * wal_buffers_full, wal_write),
    write_ms: ratio(wal_write_ms, wal_write),
    sync_ms: ratio(wal_sync_ms, wal_sync),
  };
}

const COUNTERS = ['wal_records', 'wal_fpi', 'wal_bytes', 'wal_buffers_full', 'wal_write', 'wal_sync'] as const;

/** Null where there is no time between, or a counter was reset. */
export function ratesBetween(before: WalCounters | undefined, after: WalCounters | undefined): WalRates | null {
  if (!before || !after) return null;
  const grown = COUNTERS.map((name) => (after[name] ?? 0) - (before[name] ?? 0));
  return grown.some((by) => by < 0) ? null : ratesOf(grown, after.at_s - before.at_s);
}

/** On average since statistics were reset. */
export function ratesSinceReset(counters: WalCounters): WalRates | null {
  const { counted_s, counted_since, writes_counted_since } = counters;
  if (counted_s === null) return null;
  const rates = ratesOf(
    COUNTERS.map((name) => counters[name]),
    counted_s,
  );
  // counted from another moment on
  return rates && counted_since !== writes_counted_since ? { ...rates, writes_per_s: null, syncs_per_s: null } : rates;
}

function ratesOf(
  [records, fpi, size, full, writes, syncs]: readonly (number | null | undefined)[],
  s: number,
): WalRates | null {
  if (s <= 0) return null;
  const per = (count: number | null | undefined) => (count === null || count === undefined ? null : rounded(count / s));
  return {
    seconds: rounded(s),
    records_per_s: per(records),
    fpi_per_s: per(fpi),
    size_per_s: per(size),
    buffers_full_per_s: per(full),
    writes_per_s: per(writes),
    syncs_per_s: per(syncs),
  };
}
