import { z } from 'zod';
import { defineDiagnostic, schemaInput, sql } from '../kit/index.ts';
import { aboutCounters, indexRow } from './index-row.ts';
import { judgeUnused, notCounted } from './judge-indexes.ts';
import { unusedIndexesOf } from './unused-index.ts';

export default defineDiagnostic({
  name: 'unused_indexes',
  area: 'indexes',
  title: 'Unused indexes',
  description: 'Indexes hardly scanned since counting began; none that is unique or needed by a constraint.',
  seldom: ['max_scans'],
  input: {
    schema: schemaInput,
    max_scans: z.int().min(0).default(50).describe('Leave out indexes that were scanned more often.'),
    min_size: z.int().min(0).default(1_048_576).describe('Leave out smaller indexes, in bytes.'),
  },
  row: indexRow,
  about: aboutCounters,
  counted: true,
  sql: ({ schema, max_scans, min_size, limit, estimate_sizes }) =>
    unusedIndexesOf({
      among: sql`(${schema}::text is null or n.nspname = ${schema}::text)`,
      maxScans: max_scans,
      minSize: min_size,
      limit,
      estimateSizes: estimate_sizes,
    }),
  findings: judgeUnused,
  notExamined: (_, { about, facts }) => notCounted(about, facts.inRecovery),
});
