import { describe, expect, it } from 'vitest';
import type { BufferWriter } from './buffer-writers.ts';
import type { BackgroundWriter, CheckpointCounters } from './checkpoint-counters.ts';
import type { CheckpointSettings, LastCheckpoint } from './checkpoint-settings.ts';
import { judgeCheckpoints, type CheckpointFacts, type CheckpointLimits } from './judge-checkpoints.ts';
import type { WalVolume } from './wal-volume.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const counters: CheckpointCounters = {
  timed: 51,
  requested: 49,
  requested_percent: 49,
  done: null,
  restartpoints_timed: null,
  restartpoints_requested: null,
  restartpoints_done: null,
  mean_interval_s: 120,
  write_ms: 1000,
  sync_ms: 1000,
  buffers_written: 1000,
  slru_written: null,
  counted_since: '2026-01-01T00:00:00Z',
  counted_s: 12_000,
};
const forced = { requested: 90, timed: 10, requested_percent: 90 };
const settings: CheckpointSettings = {
  checkpoint_timeout_s: 300,
  max_wal_size: GIB,
  min_wal_size: 80 * MIB,
  checkpoint_completion_target: 0.9,
  checkpoint_warning_s: 30,
  log_checkpoints: true,
  full_page_writes: true,
  shared_buffers: GIB,
  bgwriter_delay_ms: 200,
  bgwriter_lru_maxpages: 100,
  bgwriter_lru_multiplier: 2,
};
const last: LastCheckpoint = {
  redo_lsn: '0/1',
  redo_size: 10 * MIB,
  written_size: 1000 * GIB,
  timeline: 1,
  at: '2026-01-01T00:00:00Z',
  age_s: 100,
};
/** So much that a checkpoint comes with what forces one, 539 MiB. */
const volume: WalVolume = { size: 54 * GIB, size_per_s: 4.5 * MIB, counted_since: null, counted_s: 12_000 };
const cleaner: BackgroundWriter = {
  buffers_clean: 1000,
  maxwritten_clean: 0,
  maxwritten_percent: 0,
  buffers_alloc: 1000,
  counted_since: null,
};
const backends: BufferWriter = {
  writer: 'backends',
  buffers: 1000,
  percent: 40,
  extended: 100,
  fsyncs: 0,
  counted_since: null,
};
const limits: CheckpointLimits = {
  max_requested_percent: 50,
  min_checkpoints: 20,
  min_counted_s: 3600,
  slow_sync_s: 10,
};

interface Given {
  readonly counters?: Partial<CheckpointCounters>;
  readonly settings?: Partial<CheckpointSettings>;
  readonly last?: Partial<LastCheckpoint>;
  readonly volume?: WalVolume | undefined;
  readonly cleaner?: Partial<BackgroundWriter>;
  readonly backends?: Partial<BufferWriter>;
  readonly facts?: Partial<CheckpointFacts['facts']>;
}

function judge(given: Given, more: Partial<CheckpointLimits> = {}) {
  return judgeCheckpoints(
    {
      counters: { ...counters, ...given.counters },
      settings: { ...settings, ...given.settings },
      last: { ...last, ...given.last },
      volume: 'volume' in given ? given.volume : volume,
      cleaner: { ...cleaner, ...given.cleaner },
      writers: [{ ...backends, ...given.backends }],
      facts: { service: null, inRecovery: false, ...given.facts },
    },
    { ...limits, ...more },
  );
}

it('says nothing of a server in order', () => {
  expect(judge({})).toEqual([]);
  expect(
    judgeCheckpoints(
      {
        counters: undefined,
        settings: undefined,
        last: undefined,
        volume: undefined,
        cleaner: undefined,
        writers: [],
        facts: { service: null, inRecovery: false },
      },
      limits,
    ),
  ).toEqual([]);
});

describe('checkpoints before their time', () => {
  it('are given the room that they need, at least twice what they have', () => {
    expect(judge({ counters: forced })).toMatchObject([
      {
        severity: 'notice',
        object: '"max_wal_size"',
        claim: '90 % of checkpoints come before checkpoint_timeout, one every 120 s: max_wal_size is too small.',
        evidence: { wal_per_checkpoint: 540 * MIB, max_wal_size: GIB },
        // 4.5 MiB/s for 300 s, and 0.9 of it again while the next one writes: 2.5 GiB
        next_step: expect.stringMatching(
          /^ALTER SYSTEM SET max_wal_size = '3GB'; -- [^\n]*\nSELECT pg_reload_conf\(\);$/,
        ),
      },
    ]);
    const slow = { ...volume, size_per_s: 2.5 * MIB };
    expect(judge({ counters: forced, volume: slow })[0]?.next_step).toContain("'2GB'");
    expect(judge({ counters: forced }, { target_interval_s: 1800 })[0]?.next_step).toContain("'16GB'");
  });

  it('are spread where the old default of PostgreSQL 13 is in force', () => {
    const [finding] = judge({ counters: forced, settings: { checkpoint_completion_target: 0.5 } });
    expect(finding?.next_step).toContain('checkpoint_completion_target = 0.9;');
  });

  it('are urgent when they follow each other closely', () => {
    expect(judge({ counters: { ...forced, mean_interval_s: 59 } })).toMatchObject([{ severity: 'warning' }]);
  });

  it.each<[string, Given]>([
    ['few', { counters: { requested: 19, timed: 0, requested_percent: 100 } }],
    ['a smaller part', { counters: { requested: 49, timed: 51, requested_percent: 49 } }],
    ['counted for a short time', { counters: { ...forced, counted_s: 3599 } }],
    ['those of commands, with little WAL', { counters: forced, volume: { ...volume, size_per_s: 0.9 * MIB } }],
    [
      'those of commands, by all WAL that there ever was',
      { counters: forced, volume: undefined, last: { written_size: 10 * GIB } },
    ],
    ['restartpoints of a standby', { counters: forced, facts: { inRecovery: true } }],
  ])('are no matter when they are %s', (_, given) => {
    expect(judge(given)).toEqual([]);
  });

  it('are judged without a counter of WAL, too', () => {
    expect(judge({ counters: forced, volume: undefined })).toMatchObject([
      {
        claim: expect.stringMatching(/max_wal_size is too small, unless commands ask for them\.$/),
        evidence: { wal_per_checkpoint: null },
        next_step: expect.stringMatching(/^-- with log_checkpoints[^\n]*\nALTER SYSTEM SET max_wal_size = '2GB';/),
      },
    ]);
  });
});

describe('a checkpoint that is overdue', () => {
  const late = { age_s: 900, redo_size: 2 * GIB };

  it('is told by its age and the WAL since', () => {
    expect(judge({ last: late })).toMatchObject([
      { severity: 'warning', claim: expect.stringContaining('began 15 min ago') },
    ]);
    expect(judge({ last: late, counters: { counted_s: 1 } })).toHaveLength(1);
  });

  it.each<[string, Given]>([
    ['on an idle server', { last: { ...late, redo_size: MIB } }],
    ['before its time', { last: { ...late, age_s: 899 } }],
    ['where so much is meant to be', { last: late, settings: { max_wal_size: 2 * GIB } }],
    ['on a standby', { last: late, facts: { inRecovery: true } }],
  ])('is none %s', (_, given) => {
    expect(judge(given)).toEqual([]);
  });
});

describe('the disk', () => {
  it('is slow when syncs of checkpoints are', () => {
    expect(judge({ counters: { sync_ms: 1_000_000 } })).toEqual([]);
    expect(judge({ counters: { sync_ms: 1_100_000 } })).toMatchObject([
      { claim: expect.stringContaining('waits 11 s') },
    ]);
    expect(judge({ counters: { sync_ms: 1_000_000, done: 50 } })).toHaveLength(1);
    expect(judge({ counters: { sync_ms: 1_000_000, done: 19 } })).toEqual([]);
  });
});

describe('backends', () => {
  it('should have nothing to sync', () => {
    expect(judge({ backends: { fsyncs: 99 } })).toEqual([]);
    expect(judge({ backends: { fsyncs: 100 } })).toMatchObject([{ claim: expect.stringContaining('100 times') }]);
  });

  it('should have little to write while the background writer is held back', () => {
    const held = { maxwritten_clean: 1000, maxwritten_percent: 5 };
    expect(judge({ cleaner: held })).toMatchObject([
      { object: '"bgwriter_lru_maxpages"', next_step: expect.stringContaining('bgwriter_lru_maxpages = 200;') },
    ]);
    expect(judge({ cleaner: { ...held, maxwritten_percent: 4.9 } })).toEqual([]);
    expect(judge({ cleaner: { ...held, maxwritten_clean: 999 } })).toEqual([]);
    expect(judge({ cleaner: held, backends: { percent: 29 } })).toEqual([]);
    // new blocks at the end of files are among them before PostgreSQL 16
    expect(judge({ cleaner: held, backends: { extended: null } })).toEqual([]);
    expect(judge({ cleaner: held, settings: { bgwriter_lru_maxpages: 1000 } })).toEqual([]);
  });
});
