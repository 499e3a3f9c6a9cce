import { changeSettings, type ConnectionFacts, type Finding } from '../kit/index.ts';
import { morePages } from './cleaner-pages.ts';
import type { BufferWriter } from './buffer-writers.ts';
import type { BackgroundWriter, CheckpointCounters } from './checkpoint-counters.ts';
import type { CheckpointSettings, LastCheckpoint } from './checkpoint-settings.ts';
import { advisedSize, mostPerRequested, walOf } from './checkpoint-wal.ts';
import type { WalVolume } from './wal-volume.ts';

const GIB = 2 ** 30;
const DOCS = 'https://www.postgresql.org/docs/current';

/** Closer together than this they cost the service, farther apart only throughput. */
const URGENT_INTERVAL_S = 60;
/** Of what forces a checkpoint: those that come with less were asked for by commands. */
const FORCED_SHARE = 0.25;
/** The default since PostgreSQL 14: https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-CHECKPOINT-COMPLETION-TARGET */
const COMPLETION_TARGET = 0.9;
const MANY_FSYNCS = 100;
const MANY_BROKEN_ROUNDS = 1000;
const OVERDUE_TIMES = 3;

export interface CheckpointLimits {
  readonly max_requested_percent: number;
  readonly min_checkpoints: number;
  readonly min_counted_s: number;
  readonly target_interval_s?: number | undefined;
  readonly slow_sync_s: number;
}

export interface CheckpointFacts {
  readonly counters: CheckpointCounters | undefined;
  readonly settings: CheckpointSettings | undefined;
  readonly last: LastCheckpoint | undefined;
  readonly volume: WalVolume | undefined;
  readonly cleaner: BackgroundWriter | undefined;
  readonly writers: readonly BufferWriter[];
  readonly facts: Pick<ConnectionFacts, 'service' | 'inRecovery'>;
}

/** Restartpoints of a standby follow the checkpoints of its primary, where those are to be judged. */
export function judgeCheckpoints(known: CheckpointFacts, limits: CheckpointLimits): Finding[] {
  if (known.facts.inRecovery) return [];
  const enough = (known.counters?.counted_s ?? 0) >= limits.min_counted_s;
  return [
    ...judgeOverdue(known),
    ...(enough
      ? [...judgeForced(known, limits), ...judgeSync(known, limits), ...judgeFsyncs(known), ...judgeCleaner(known)]
      : []),
  ];
}

/** One that begins late, or never ends; an idle server makes none. */
function judgeOverdue({ last, settings }: CheckpointFacts): Finding[] {
  if (!last || !settings) return [];
  const { at, age_s, redo_lsn, redo_size } = last;
  const { checkpoint_timeout_s, max_wal_size } = settings;
  if ((age_s ?? 0) < OVERDUE_TIMES * checkpoint_timeout_s) return [];
  if ((redo_size ?? 0) < Math.max(2 * max_wal_size, GIB)) return [];
  return [
    {
      severity: 'warning',
      claim: `The last checkpoint that was completed began ${Math.round((age_s ?? 0) / 60)} min ago: a crash recovery would replay all WAL since then.`,
      object: '"checkpoint_timeout"',
      evidence: { at, age_s, redo_lsn, redo_size, checkpoint_timeout_s, max_wal_size },
      why: `${DOCS}/wal-configuration.html`,
      next_step:
        "SELECT pid, wait_event_type, wait_event FROM pg_stat_activity WHERE backend_type = 'checkpointer';\n-- the log of the server says whether checkpoints fail; a disk that cannot take the writes shows as waits for IO",
    },
  ];
}

function judgeForced(known: CheckpointFacts, limits: CheckpointLimits): Finding[] {
  const { counters, settings, volume, last, facts } = known;
  if (!counters || !settings || !isOftenForced(counters, limits)) return [];
  const { timed, requested, mean_interval_s, counted_since } = counters;
  const wal = walOf({ counters, settings, volume }, limits.target_interval_s);
  if (mostPerRequested(counters, wal, last) < FORCED_SHARE * wal.forces_at) return [];
  const { max_wal_size, checkpoint_timeout_s, checkpoint_completion_target } = settings;
  const interval = mean_interval_s ?? checkpoint_timeout_s;
  return [
    {
      severity: interval < URGENT_INTERVAL_S ? 'warning' : 'notice',
      claim: `${requestedPercent(counters)} % of checkpoints come before checkpoint_timeout, one every ${Math.round(interval)} s: max_wal_size is too small${wal.size_per_s === null ? ', unless commands ask for them' : ''}.`,
      object: '"max_wal_size"',
      evidence: {
        timed,
        requested,
        mean_interval_s,
        wal_per_checkpoint: wal.per_checkpoint,
        wal_size_per_s: wal.size_per_s,
        max_wal_size,
        checkpoint_timeout_s,
        checkpoint_completion_target,
        counted_since,
      },
      why: `${DOCS}/wal-configuration.html`,
      next_step: [
        // what nobody has counted is looked up first
        ...(wal.size_per_s === null
          ? ['-- with log_checkpoints = on the log says what each was for: wal, time or force']
          : []),
        enlarge(advisedSize(settings, wal), checkpoint_completion_target, facts.service),
      ].join('\n'),
    },
  ];
}

function isOftenForced(counters: CheckpointCounters, limits: CheckpointLimits): boolean {
  const { requested, requested_percent } = counters;
  return (requested ?? 0) >= limits.min_checkpoints && (requested_percent ?? 0) >= limits.max_requested_percent;
}

function requestedPercent({ requested_percent }: CheckpointCounters): number {
  return Math.round(requested_percent ?? 0);
}

function enlarge(bytes: number, completionTarget: number, service: ConnectionFacts['service']): string {
  const note = 'pg_wal may take as much, and recovery after a crash longer';
  const spread = { name: 'checkpoint_completion_target', value: String(COMPLETION_TARGET), note: 'spreads the writes' };
  return changeSettings(service, [
    { name: 'max_wal_size', value: `'${bytes / GIB}GB'`, note },
    ...(completionTarget < COMPLETION_TARGET ? [spread] : []),
  ]);
}

/** Writes are spread, and what the disk has not taken by then has to be waited for. */
function judgeSync({ counters }: CheckpointFacts, { slow_sync_s, min_checkpoints }: CheckpointLimits): Finding[] {
  if (!counters) return [];
  const { timed, requested, done, sync_ms, write_ms, buffers_written, counted_since } = counters;
  const checkpoints = done ?? (timed ?? 0) + (requested ?? 0);
  const each = (sync_ms ?? 0) / Math.max(checkpoints, 1);
  if (checkpoints < min_checkpoints || each <= slow_sync_s * 1000) return [];
  return [
    {
      severity: 'notice',
      claim: `A checkpoint waits ${Math.round(each / 1000)} s on average for the disk to sync its files, and sessions wait with it.`,
      object: '"checkpoint_flush_after"',
      evidence: { checkpoints, sync_ms, write_ms, buffers_written, counted_since },
      why: `${DOCS}/runtime-config-wal.html#GUC-CHECKPOINT-FLUSH-AFTER`,
      next_step:
        "SELECT name, setting, unit FROM pg_settings WHERE name IN ('checkpoint_flush_after', 'checkpoint_completion_target', 'max_wal_size');\n-- the disk is too slow for what a checkpoint writes, or its cache is filled by others",
    },
  ];
}

function backendsOf(writers: readonly BufferWriter[]): BufferWriter | undefined {
  return writers.find(({ writer }) => writer === 'backends');
}

/** Backends leave this to the checkpointer unless its queue, which is as long as shared_buffers, is full. */
function judgeFsyncs({ writers, settings }: CheckpointFacts): Finding[] {
  const backends = backendsOf(writers);
  if (!backends || (backends.fsyncs ?? 0) < MANY_FSYNCS) return [];
  return [
    {
      severity: 'notice',
      claim: `Sessions had to sync files themselves ${backends.fsyncs} times, as the checkpointer did not get to it.`,
      object: '"shared_buffers"',
      evidence: {
        fsyncs: backends.fsyncs,
        buffers: backends.buffers,
        shared_buffers: settings?.shared_buffers ?? null,
        counted_since: backends.counted_since,
      },
      why: `${DOCS}/monitoring-stats.html#MONITORING-PG-STAT-IO-VIEW`,
      next_step: "SELECT pid, wait_event_type, wait_event FROM pg_stat_activity WHERE backend_type = 'checkpointer';",
    },
  ];
}

/** The share that backends write themselves although somebody else might; only PostgreSQL 16 tells it from new blocks. */
const MUCH_BY_BACKENDS_PERCENT = 30;
const BROKEN_ROUNDS_PERCENT = 5;

function judgeCleaner({ cleaner, writers, settings, facts }: CheckpointFacts): Finding[] {
  const backends = backendsOf(writers);
  if (!cleaner || !settings || !backends || backends.extended === null) return [];
  const { maxwritten_clean, maxwritten_percent, buffers_clean, counted_since } = cleaner;
  if ((maxwritten_clean ?? 0) < MANY_BROKEN_ROUNDS || (maxwritten_percent ?? 0) < BROKEN_ROUNDS_PERCENT) return [];
  const more = morePages(settings.bgwriter_lru_maxpages);
  if ((backends.percent ?? 0) < MUCH_BY_BACKENDS_PERCENT || more === null) return [];
  return [
    {
      severity: 'notice',
      claim: `Sessions write ${Math.round(backends.percent ?? 0)} % of the buffers themselves, while the background writer breaks off its rounds at bgwriter_lru_maxpages.`,
      object: '"bgwriter_lru_maxpages"',
      evidence: {
        maxwritten_clean,
        maxwritten_percent,
        buffers_clean,
        by_backends: backends.buffers,
        bgwriter_lru_maxpages: settings.bgwriter_lru_maxpages,
        counted_since,
      },
      why: `${DOCS}/runtime-config-resource.html#GUC-BGWRITER-LRU-MAXPAGES`,
      next_step: changeSettings(facts.service, [{ name: 'bgwriter_lru_maxpages', value: more }]),
    },
  ];
}
