import { byServerVersion, defineDiagnostic, schemaInput, sql } from '../kit/index.ts';
import { invalidIndex, invalidIndexesOf } from './invalid-index.ts';
import { BUILT_ON_PRIMARY, judgeInvalid } from './judge-invalid.ts';

export default defineDiagnostic({
  name: 'invalid_indexes',
  area: 'indexes',
  title: 'Invalid indexes',
  description: 'Indexes that no query may use: left by failed builds or drops, or incomplete on partitions.',
  input: { schema: schemaInput },
  row: invalidIndex,
  counted: true,
  sql: ({ schema, limit, estimate_sizes }) =>
    byServerVersion({
      12: invalidIndexesOf({
        among: sql`(${schema}::text is null or n.nspname = ${schema}::text)`,
        limit,
        estimateSizes: estimate_sizes,
      }),
    }),
  findings: (rows, { facts }) => judgeInvalid(rows, facts.inRecovery),
  notExamined: (rows, { facts }) => (facts.inRecovery && rows.length > 0 ? [BUILT_ON_PRIMARY] : []),
});
