import { z } from 'zod';
import { defineTool, requireMajor, statementsOf } from '../kit/index.ts';
import { judgeSummarizer } from './judge-summarizer.ts';
import { summarizer, walSummaries } from './wal-summaries.ts';

const PARTS = { summarizer, walSummaries };

export default defineTool({
  name: 'wal_summarizer',
  area: 'wal',
  title: 'WAL summarizer',
  description: 'The WAL summarizer of incremental backups: settings, progress, lag. PostgreSQL 17 on.',
  alsoKnownAs: { get_wal_summarizer_status: { database_name: 'database' } },
  clusterWide: true,
  input: { limit: z.int().min(1).max(500).default(20) },
  thresholds: {
    max_unread_size: z.int().min(0).default(1_073_741_824).describe('Warn when more WAL is not read, in bytes.'),
  },
  output: {
    summarizer: summarizer.shape,
    rows: z.array(walSummaries.shape).describe('Summaries on disk, the latest first.'),
    truncated: z.boolean(),
  },
  statements: statementsOf(PARTS),
  run: async ({ limit, max_unread_size }, target) =>
    target.readOnly(
      async (session) => {
        requireMajor(session.facts, 17, 'The WAL summarizer');
        const [state] = await summarizer.read(session, {});
        if (!state) throw new Error('the state of the WAL summarizer is one row');
        const rows = await walSummaries.read(session, { limit: limit + 1 });
        return {
          summarizer: state,
          rows: rows.slice(0, limit),
          truncated: rows.length > limit,
          facts: session.facts,
          findings: judgeSummarizer(state, max_unread_size),
        };
      },
      { snapshot: true },
    ),
});
