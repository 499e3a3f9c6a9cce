import { z } from 'zod';
import { defineTool, pause, readParts, statementsOf } from '../kit/index.ts';
import { archiver, judgeArchiver } from '../server/replication.ts';
import { lastCheckpoint } from './checkpoint-settings.ts';
import { walFiles, walKept } from './wal-files.ts';
import { walMoment, walPosition } from './wal-position.ts';
import { rateBetween, walRate } from './wal-rate.ts';
import { walSettings } from './wal-settings.ts';
import { walVolume } from './wal-volume.ts';

const PARTS = { walMoment, walPosition, lastCheckpoint, walFiles, walKept, walVolume, walSettings, archiver };

const checkpoint = lastCheckpoint.shape.omit({ written_size: true });

export default defineTool({
  name: 'wal_status',
  area: 'wal',
  title: 'WAL',
  description: 'Where WAL is, how fast it grows, what pg_wal holds and for whom, archiving.',
  alsoKnownAs: { get_wal_status: {} },
  clusterWide: true,
  timeoutS: 15,
  // it waits, and wal_archiving judges the same
  judges: false,
  seldom: ['interval_ms'],
  input: {
    interval_ms: z.int().min(0).max(10_000).default(1000).describe('Between two looks, for the rate; 0 for none.'),
  },
  output: {
    position: walPosition.shape.nullable(),
    rate: walRate.nullable().describe('Measured between two looks.'),
    average: walVolume.shape.nullable().describe('Since statistics were reset. A primary of PostgreSQL 14 on.'),
    files: walFiles.shape.nullable().describe('What pg_wal holds.'),
    checkpoint: checkpoint.nullable().describe('The last one, since which WAL is kept for a crash recovery.'),
    kept: walKept.shape.nullable().describe('What else it is kept for, beside the archive.'),
    archiver: archiver.shape.nullable(),
    settings: walSettings.shape.nullable(),
  },
  statements: statementsOf(PARTS),
  async run({ interval_ms }, target, context) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, {});
    const [before] = parts.walMoment;
    const [last] = parts.lastCheckpoint;
    if (interval_ms > 0) await pause(context, interval_ms);
    // between the looks no transaction is open
    const [after] =
      interval_ms > 0 && before
        ? await target.readOnly((session) => walMoment.read(session, {}), { single: true })
        : [undefined];
    return {
      position: parts.walPosition[0] ?? null,
      rate: rateBetween(before, after),
      average: parts.walVolume[0] ?? null,
      files: parts.walFiles[0] ?? null,
      checkpoint: last ? checkpoint.parse(last) : null,
      kept: parts.walKept[0] ?? null,
      archiver: parts.archiver[0] ?? null,
      settings: parts.walSettings[0] ?? null,
      facts,
      findings: judgeArchiver(parts.archiver[0]),
      not_examined: [...unreadable],
    };
  },
});
