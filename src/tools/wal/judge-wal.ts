import { changeSettings, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { WalCounters, WalTuning } from './wal-counters.ts';
import type { WalShares } from './wal-derived.ts';

const MIB = 2 ** 20;
const DOCS = 'https://www.postgresql.org/docs/current';

/** One every ten seconds on average is no burden. */
const OFTEN_FULL_PER_S = 0.1;
/** Larger buffers have not been seen to help. */
const MOST_BUFFERS = 256 * MIB;
/** An hour of less WAL is no matter for anybody: 100 kB in a second. */
const MUCH_WAL_PER_S = 100_000;
const MANY_SYNCS = 1000;
/** Of a server that has written less, nothing of this is worth a change. */
const MUCH_WAL = 2 ** 30;

export interface WalLimits {
  readonly min_counted_s: number;
  readonly max_buffers_full_percent: number;
  readonly max_fpi_percent: number;
  readonly slow_sync_ms: number;
}

interface Measured {
  readonly counters: WalCounters;
  readonly shares: WalShares;
  readonly tuning: WalTuning;
  readonly limits: WalLimits;
  readonly service: ConnectionFacts['service'];
}

/** Counters of a short time say little about a server. */
export function judgeWal(measured: Measured): Finding[] {
  const { counters, limits } = measured;
  if ((counters.counted_s ?? 0) < limits.min_counted_s) return [];
  return [...judgeBuffers(measured), ...judgeImages(measured), ...judgeSyncs(measured)];
}

function judgeBuffers({ counters, shares, tuning, limits, service }: Measured): Finding[] {
  const { wal_buffers_full, wal_write, counted_s, counted_since } = counters;
  const { buffers_full_percent } = shares;
  if (counters.wal_bytes < MUCH_WAL || (buffers_full_percent ?? 0) <= limits.max_buffers_full_percent) return [];
  if (wal_buffers_full / Math.max(counted_s ?? 1, 1) < OFTEN_FULL_PER_S) return [];
  const larger = Math.min(Math.max(16 * MIB, 2 * tuning.wal_buffers), MOST_BUFFERS);
  if (larger <= tuning.wal_buffers) return [];
  return [
    {
      severity: 'notice',
      claim: `${Math.round(buffers_full_percent ?? 0)} % of the writes of WAL were made since wal_buffers was full, by sessions that had to wait for them.`,
      object: '"wal_buffers"',
      evidence: { wal_buffers_full, wal_write, buffers_full_percent, wal_buffers: tuning.wal_buffers, counted_since },
      why: `${DOCS}/runtime-config-wal.html#GUC-WAL-BUFFERS`,
      next_step: changeSettings(service, [
        { name: 'wal_buffers', value: `'${Math.ceil(larger / MIB)}MB'`, restart: true },
      ]),
    },
  ];
}

/** After each checkpoint the first change of a page writes all of it: https://www.postgresql.org/docs/current/wal-configuration.html */
function judgeImages({ counters, shares, tuning, limits, service }: Measured): Finding[] {
  const { wal_fpi, wal_bytes, counted_s, counted_since } = counters;
  const { fpi_percent } = shares;
  if (tuning.wal_compression !== 'off' || (fpi_percent ?? 0) <= limits.max_fpi_percent) return [];
  if (wal_bytes < MUCH_WAL || wal_bytes / Math.max(counted_s ?? 1, 1) < MUCH_WAL_PER_S) return [];
  const best = ['lz4', 'zstd'].find((method) => tuning.compression_choices.includes(method)) ?? 'on';
  return [
    {
      severity: 'notice',
      claim: `Up to ${Math.round(fpi_percent ?? 0)} % of WAL are images of whole pages, which are not compressed.`,
      object: '"wal_compression"',
      evidence: {
        wal_fpi,
        wal_bytes,
        fpi_percent,
        wal_compression: tuning.wal_compression,
        checkpoint_timeout_s: tuning.checkpoint_timeout_s,
        counted_since,
      },
      why: `${DOCS}/runtime-config-wal.html#GUC-WAL-COMPRESSION`,
      next_step: [
        changeSettings(service, [{ name: 'wal_compression', value: best, note: 'for some CPU time' }]),
        '-- fewer checkpoints make fewer of them, and recovery after a crash longer: the tool checkpoints says how many there are',
      ].join('\n'),
    },
  ];
}

function judgeSyncs({ counters, shares, tuning, limits }: Measured): Finding[] {
  const { sync_ms } = shares;
  if (sync_ms === null || sync_ms <= limits.slow_sync_ms || (counters.wal_sync ?? 0) < MANY_SYNCS) return [];
  return [
    {
      severity: 'notice',
      claim: `A sync of WAL takes ${sync_ms} ms on average, and commits wait for it.`,
      object: '"wal_sync_method"',
      evidence: {
        sync_ms,
        wal_sync: counters.wal_sync,
        wal_sync_method: tuning.wal_sync_method,
        counted_since: counters.writes_counted_since,
      },
      why: `${DOCS}/wal-reliability.html`,
      next_step:
        '-- pg_test_fsync, run on the disk of pg_wal, says what that disk and each wal_sync_method can do; a disk of its own for pg_wal may help',
    },
  ];
}
