import { z } from 'zod';
import { defineTool, readParts, statementsOf } from '../kit/index.ts';
import { bufferWriters } from './buffer-writers.ts';
import { backgroundWriter, checkpointCounters } from './checkpoint-counters.ts';
import { checkpointSettings, lastCheckpoint } from './checkpoint-settings.ts';
import { checkpointWal, walOf } from './checkpoint-wal.ts';
import { judgeCheckpoints } from './judge-checkpoints.ts';
import { walVolume } from './wal-volume.ts';

const PARTS = { checkpointCounters, lastCheckpoint, checkpointSettings, walVolume, backgroundWriter, bufferWriters };

const checkpoint = lastCheckpoint.shape.omit({ written_size: true });

const A_STANDBY =
  'This server is a standby: its restartpoints follow the checkpoints of its primary. Before PostgreSQL 17 they count as checkpoints.';

export default defineTool({
  name: 'checkpoints',
  area: 'wal',
  title: 'Checkpoints',
  description:
    'Checkpoints: timed or forced, how often, how long, WAL between them; who writes buffers; advice on max_wal_size.',
  alsoKnownAs: { get_bgwriter_stats: {} },
  clusterWide: true,
  input: {},
  thresholds: {
    // https://www.postgresql.org/docs/current/wal-configuration.html
    max_requested_percent: z.number().min(0).max(100).default(50).describe('Report when more come before their time.'),
    min_checkpoints: z.int().min(1).default(20).describe('Report nothing of fewer.'),
    min_counted_s: z.number().min(0).default(3600).describe('Report nothing of counters that are younger.'),
    target_interval_s: z
      .number()
      .min(30)
      .optional()
      .describe('Wanted between checkpoints; checkpoint_timeout if left out.'),
    slow_sync_s: z.number().min(0).default(10).describe('Report checkpoints whose syncs take longer on average.'),
  },
  output: {
    note: z.string().nullable(),
    checkpoints: checkpointCounters.shape.nullable(),
    last: checkpoint.nullable(),
    wal: checkpointWal.nullable().describe('Null on a standby.'),
    background_writer: backgroundWriter.shape.nullable(),
    writers: z.array(bufferWriters.shape).describe('Who writes buffers to disk.'),
    settings: checkpointSettings.shape.nullable(),
  },
  statements: statementsOf(PARTS),
  async run(limits, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, {});
    const known = {
      counters: parts.checkpointCounters[0],
      settings: parts.checkpointSettings[0],
      last: parts.lastCheckpoint[0],
      volume: parts.walVolume[0],
      cleaner: parts.backgroundWriter[0],
      writers: parts.bufferWriters,
      facts,
    };
    const { counters, settings, volume } = known;
    return {
      note: facts.inRecovery ? A_STANDBY : null,
      checkpoints: counters ?? null,
      last: known.last ? checkpoint.parse(known.last) : null,
      wal: settings && !facts.inRecovery ? walOf({ counters, settings, volume }, limits.target_interval_s) : null,
      background_writer: known.cleaner ?? null,
      writers: [...known.writers],
      settings: settings ?? null,
      facts,
      findings: judgeCheckpoints(known, limits),
      not_examined: [...unreadable],
    };
  },
});
