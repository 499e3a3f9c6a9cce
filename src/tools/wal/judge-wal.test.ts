import { describe, expect, it } from 'vitest';
import { judgeWal, type WalLimits } from './judge-wal.ts';
import type { WalCounters, WalTuning } from './wal-counters.ts';
import type { WalShares } from './wal-derived.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const counters: WalCounters = {
  wal_records: 1e8,
  wal_fpi: 1e6,
  wal_bytes: 10 * GIB,
  wal_buffers_full: 100_000,
  wal_write: 1_000_000,
  wal_sync: 100_000,
  wal_write_ms: null,
  wal_sync_ms: null,
  counted_since: '2026-01-01T00:00:00Z',
  counted_s: 10_000,
  writes_counted_since: '2026-01-01T00:00:00Z',
  at_s: 0,
};
const sound: WalShares = {
  record_size: 100,
  fpi_percent: 50,
  buffers_full_percent: 20,
  write_ms: null,
  sync_ms: 20,
};
const tuning: WalTuning = {
  wal_buffers: 16 * MIB,
  wal_compression: 'off',
  compression_choices: ['pglz', 'lz4', 'on', 'off'],
  wal_sync_method: 'fdatasync',
  full_page_writes: true,
  track_wal_io_timing: true,
  checkpoint_timeout_s: 300,
  block_size: 8192,
};
const limits: WalLimits = { min_counted_s: 3600, max_buffers_full_percent: 20, max_fpi_percent: 50, slow_sync_ms: 20 };

interface Given {
  readonly counters?: Partial<WalCounters>;
  readonly shares?: Partial<WalShares>;
  readonly tuning?: Partial<WalTuning>;
}

const judge = (given: Given) =>
  judgeWal({
    counters: { ...counters, ...given.counters },
    shares: { ...sound, ...given.shares },
    tuning: { ...tuning, ...given.tuning },
    limits,
    service: null,
  });

it('says nothing at the thresholds', () => {
  expect(judge({})).toEqual([]);
});

it('says nothing of counters that are young or of unknown age', () => {
  const shares = { buffers_full_percent: 90, fpi_percent: 90, sync_ms: 90 };
  expect(judge({ shares })).toHaveLength(3);
  expect(judge({ shares, counters: { counted_s: 3599 } })).toEqual([]);
  expect(judge({ shares, counters: { counted_s: null } })).toEqual([]);
});

describe('full buffers', () => {
  const shares = { buffers_full_percent: 21 };

  it('are enlarged', () => {
    expect(judge({ shares })).toMatchObject([
      {
        severity: 'notice',
        object: '"wal_buffers"',
        claim: expect.stringMatching(/^21 % of the writes/),
        next_step: "ALTER SYSTEM SET wal_buffers = '32MB';\n-- comes into force with a restart",
      },
    ]);
    expect(judge({ shares, tuning: { wal_buffers: MIB } })[0]?.next_step).toContain("'16MB'");
    expect(judge({ shares, tuning: { wal_buffers: 256 * MIB } })).toEqual([]);
  });

  it('are no matter where they are rare, or there is little WAL', () => {
    expect(judge({ shares, counters: { wal_buffers_full: 999 } })).toEqual([]);
    expect(judge({ shares, counters: { wal_bytes: GIB - 1 } })).toEqual([]);
  });
});

describe('full page images', () => {
  const shares = { fpi_percent: 51 };

  it('are compressed, by the best that the server has', () => {
    expect(judge({ shares })).toMatchObject([
      {
        severity: 'notice',
        object: '"wal_compression"',
        next_step: expect.stringMatching(/^ALTER SYSTEM SET wal_compression = lz4; -- /),
      },
    ]);
    const old = judge({ shares, tuning: { compression_choices: ['on', 'off'] } });
    expect(old[0]?.next_step).toMatch(/wal_compression = on;/);
  });

  it.each<[string, Given]>([
    ['compressed already', { shares, tuning: { wal_compression: 'lz4' } }],
    ['hidden by a value of our own', { shares, tuning: { wal_compression: null } }],
    ['of little WAL', { shares, counters: { wal_bytes: GIB - 1 } }],
    ['spread over a long time', { shares, counters: { counted_s: 200_000 } }],
    ['of no WAL', { shares: { fpi_percent: null } }],
  ])('are no matter when they are %s', (_, given) => {
    expect(judge(given)).toEqual([]);
  });
});

describe('syncs', () => {
  it('are slow', () => {
    expect(judge({ shares: { sync_ms: 20.5 } })).toMatchObject([
      { severity: 'notice', claim: 'A sync of WAL takes 20.5 ms on average, and commits wait for it.' },
    ]);
  });

  it('are not known, or few', () => {
    expect(judge({ shares: { sync_ms: null } })).toEqual([]);
    expect(judge({ shares: { sync_ms: 100 }, counters: { wal_sync: 999 } })).toEqual([]);
  });
});
