import { z } from 'zod';
import { defineTool, readParts, statementsOf } from '../kit/index.ts';
import { archiver } from '../server/replication.ts';
import { archiveBacklog, archiveProgress } from './archiving.ts';
import { judgeArchiving } from './judge-archiving.ts';

const PARTS = { archiver, archiveProgress, archiveBacklog };

const archiving = archiver.shape.extend(archiveProgress.shape.shape);

export default defineTool({
  name: 'wal_archiving',
  area: 'wal',
  title: 'WAL archiving',
  description: 'Whether WAL is archived: mode, counts, the last success and failure, what waits and since when.',
  clusterWide: true,
  input: {},
  thresholds: {
    // https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-ARCHIVING-WAL
    max_waiting_size: z.int().min(0).default(1_073_741_824).describe('Warn when more WAL waits, in bytes.'),
    max_waiting_s: z.number().min(0).default(600).describe('Warn when files wait and nothing is archived for longer.'),
  },
  output: {
    archiver: archiving.nullable().describe('The command or library itself is not shown: it may hold a secret.'),
    backlog: archiveBacklog.shape.nullable(),
  },
  statements: statementsOf(PARTS),
  async run(limits, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, {});
    const [state] = parts.archiver;
    const [progress] = parts.archiveProgress;
    const [backlog] = parts.archiveBacklog;
    const row = state && progress && { ...state, ...progress };
    return {
      archiver: row ?? null,
      backlog: backlog ?? null,
      facts,
      findings: judgeArchiving(row, backlog, limits),
      not_examined: [...unreadable],
    };
  },
});
