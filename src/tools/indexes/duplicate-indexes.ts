import { z } from 'zod';
import { byServerVersion, defineDiagnostic, schemaInput, sql } from '../kit/index.ts';
import { duplicateIndex, duplicateIndexesOf } from './duplicate-index.ts';
import { judgeDuplicates } from './judge-duplicates.ts';

export default defineDiagnostic({
  name: 'duplicate_indexes',
  area: 'indexes',
  title: 'Duplicate indexes',
  description: 'Indexes that another one makes needless: exact duplicates and prefixes.',
  seldom: ['min_size'],
  input: {
    schema: schemaInput,
    min_size: z.int().min(0).default(0).describe('Leave out smaller indexes, in bytes.'),
  },
  row: duplicateIndex,
  counted: true,
  sql: ({ schema, min_size, limit, estimate_sizes }) =>
    byServerVersion({
      12: duplicateIndexesOf({
        among: sql`(${schema}::text is null or n.nspname = ${schema}::text)`,
        minSize: min_size,
        limit,
        estimateSizes: estimate_sizes,
      }),
    }),
  findings: judgeDuplicates,
  notExamined: (rows, { facts }) =>
    facts.inRecovery && rows.length > 0
      ? [
          {
            what: 'writes to the tables of duplicate indexes, and scans on the primary',
            reason: 'This server is a standby and counts its own scans only.',
            remedy: 'Ask the primary, where an index would be dropped.',
          },
        ]
      : [],
});
