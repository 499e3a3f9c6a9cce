import { z } from 'zod';
import { byServerVersion, defineDiagnostic, schemaInput, sql } from '../kit/index.ts';
import { CRITICAL_PERCENT, judgeGaps, judgeSequences, WARN_PERCENT } from './judge-sequences.ts';
import { about, row } from './sequence-row.ts';
import { usedSequences } from './used-sequences.ts';

const percent = z.number().min(0).max(100);

export default defineDiagnostic({
  name: 'sequence_exhaustion',
  area: 'sequences',
  title: 'Sequence exhaustion',
  description: 'How much of each sequence is used up, by its own bounds and those of its column.',
  input: {
    schema: schemaInput,
  },
  thresholds: {
    warn_percent: percent.default(WARN_PERCENT),
    critical_percent: percent.default(CRITICAL_PERCENT),
  },
  row,
  about,
  counted: true,
  sql: ({ schema, limit, estimate_sizes }) =>
    byServerVersion({
      12: usedSequences({
        among: sql`(${schema}::text is null or n.nspname = ${schema}::text)`,
        limit,
        estimateSizes: estimate_sizes,
      }),
    }),
  findings: (rows, { input }) => judgeSequences(rows, input),
  notExamined: (_, { about: unread, facts }) => (unread === null ? [] : judgeGaps(unread, facts.role.name)),
});
