import { z } from 'zod';
import type { CheckpointCounters } from './checkpoint-counters.ts';
import type { CheckpointSettings, LastCheckpoint } from './checkpoint-settings.ts';
import type { WalVolume } from './wal-volume.ts';

const GIB = 2 ** 30;

const size = z.number().meta({ unit: 'bytes' });

/** https://www.postgresql.org/docs/current/wal-configuration.html */
export const checkpointWal = z.object({
  size_per_s: size.nullable().describe('WAL on average since statistics were reset. PostgreSQL 14 on.'),
  per_checkpoint: size.nullable().describe('At that rate.'),
  forces_at: size.describe(
    'A checkpoint begins after so much WAL, as max_wal_size is to hold that of the next one too.',
  ),
  target_interval_s: z.number().meta({ unit: 's' }),
  needed: size.nullable().describe('What max_wal_size would have to be for target_interval_s, on average.'),
});
export type CheckpointWal = z.output<typeof checkpointWal>;

interface Known {
  readonly counters: CheckpointCounters | undefined;
  readonly settings: CheckpointSettings;
  readonly volume: WalVolume | undefined;
}

/** By CalculateCheckpointSegments() in xlog.c. */
export function walOf({ counters, settings, volume }: Known, targetIntervalS: number | undefined): CheckpointWal {
  const { max_wal_size, checkpoint_completion_target, checkpoint_timeout_s } = settings;
  const ahead = 1 + checkpoint_completion_target;
  const target = targetIntervalS ?? checkpoint_timeout_s;
  const rate = volume?.size_per_s ?? null;
  const interval = counters?.mean_interval_s ?? null;
  return {
    size_per_s: rate,
    per_checkpoint: rate === null || interval === null ? null : Math.round(rate * interval),
    forces_at: Math.round(max_wal_size / ahead),
    target_interval_s: target,
    needed: rate === null ? null : Math.round(rate * target * ahead),
  };
}

/**
 * WAL that each requested checkpoint can have had at most: without a counter of WAL, all that this server has ever
 * written. Those that commands ask for have little.
 */
export function mostPerRequested(
  { requested, counted_s }: CheckpointCounters,
  { size_per_s }: CheckpointWal,
  last: LastCheckpoint | undefined,
): number {
  const all = size_per_s === null ? (last?.written_size ?? Infinity) : size_per_s * (counted_s ?? 0);
  return all / Math.max(requested ?? 0, 1);
}

/** Twice as much as now, at least: an average hides the hours with most WAL. */
export function advisedSize({ max_wal_size }: CheckpointSettings, { needed }: CheckpointWal): number {
  return Math.ceil(Math.max(2 * max_wal_size, needed ?? 0) / GIB) * GIB;
}
