import { z } from 'zod';
import { byServerVersion, defineDiagnostic, schemaInput } from '../kit/index.ts';
import { behindLocks } from '../tables/measure.ts';
import { judgeKeyless } from './judge-keyless.ts';
import { keylessTable, keylessTables, PUBLISHED } from './keyless-table.ts';

export default defineDiagnostic({
  name: 'tables_without_primary_key',
  area: 'schema',
  title: 'Tables without primary key',
  description: 'With unique keys that could serve, and whether publications make changes fail.',
  input: { schema: schemaInput },
  thresholds: {
    min_rows: z
      .int()
      .min(0)
      .default(1000)
      .describe('Findings leave out tables with fewer rows, unless they are published.'),
    warn_size: z
      .int()
      .min(0)
      .default(1_073_741_824)
      .describe('Warn of tables from this size on, in bytes; note smaller ones.'),
  },
  row: keylessTable,
  counted: true,
  sql: ({ schema, limit, estimate_sizes }) => {
    const inputs = { schema, limit, estimateSizes: estimate_sizes };
    return byServerVersion({
      12: keylessTables(inputs, PUBLISHED.since12),
      15: keylessTables(inputs, PUBLISHED.since15),
    });
  },
  findings: (rows, { input }) => judgeKeyless(rows, input),
  notExamined: behindLocks,
});
