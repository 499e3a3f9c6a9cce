import { z } from 'zod';
import { changeSettings, defineTool, pause, requireMajor, statementsOf, type NotExamined } from '../kit/index.ts';
import type { ConnectionFacts } from '../kit/index.ts';
import { judgeWal } from './judge-wal.ts';
import { walCounters, walTuning } from './wal-counters.ts';
import { ratesBetween, ratesSinceReset, sharesOf, walRates, walShares } from './wal-derived.ts';

const PARTS = { walCounters, walTuning };

const counters = walCounters.shape.omit({ at_s: true });

const A_STANDBY = 'This server is a standby and makes no WAL: what is counted here is from its time as a primary.';

export default defineTool({
  name: 'wal_statistics',
  area: 'wal',
  title: 'WAL statistics',
  description: 'WAL records, full page images, full buffers, writes and syncs with times. PostgreSQL 14 on.',
  clusterWide: true,
  timeoutS: 15,
  seldom: ['interval_ms'],
  input: {
    interval_ms: z.int().min(0).max(10_000).default(0).describe('Between two looks, for rates of now.'),
  },
  thresholds: {
    min_counted_s: z.number().min(0).default(3600).describe('Report nothing of counters that are younger.'),
    max_buffers_full_percent: z.number().min(0).default(20).describe('Report more writes for want of wal_buffers.'),
    max_fpi_percent: z.number().min(0).max(100).default(50).describe('Report more full page images, uncompressed.'),
    slow_sync_ms: z.number().min(0).default(20).describe('Report slower syncs.'),
  },
  output: {
    note: z.string().nullable(),
    counters,
    shares: walShares,
    rates: walRates.nullable().describe('On average since statistics were reset.'),
    rates_now: walRates.nullable().describe('Between two looks.'),
    settings: walTuning.shape,
  },
  statements: statementsOf(PARTS),
  async run({ interval_ms, ...limits }, target, context) {
    const { facts, before, tuning } = await target.readOnly(
      async (session) => {
        requireMajor(session.facts, 14, 'pg_stat_wal', 'wal_status measures how fast WAL grows.');
        const [counted] = await walCounters.read(session, {});
        const [settings] = await walTuning.read(session, {});
        return { facts: session.facts, before: counted, tuning: settings };
      },
      { snapshot: true },
    );
    if (!before || !tuning) throw new Error('the statistics of WAL are one row');
    if (interval_ms > 0) await pause(context, interval_ms);
    const [after] =
      interval_ms > 0
        ? await target.readOnly((session) => walCounters.read(session, {}), { single: true })
        : [undefined];
    const { service, inRecovery } = facts;
    const shares = sharesOf(before, tuning);
    return {
      note: inRecovery ? A_STANDBY : null,
      counters: counters.parse(before),
      shares,
      rates: ratesSinceReset(before),
      rates_now: ratesBetween(before, after),
      settings: tuning,
      facts,
      findings: inRecovery ? [] : judgeWal({ counters: before, shares, tuning, limits, service }),
      not_examined: tuning.track_wal_io_timing ? [] : [notTimed(service)],
    };
  },
});

function notTimed(service: ConnectionFacts['service']): NotExamined {
  return {
    what: 'times of writes and syncs',
    reason: 'The setting track_wal_io_timing keeps them from being measured.',
    remedy: changeSettings(service, [
      { name: 'track_wal_io_timing', value: 'on', note: 'pg_test_timing, run on that machine, says what it costs' },
    ]),
  };
}
