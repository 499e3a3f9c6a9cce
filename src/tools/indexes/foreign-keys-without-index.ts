import { z } from 'zod';
import { defineDiagnostic, quoteName, schemaInput, sql, type NotExamined } from '../kit/index.ts';
import { judgeUnservedKeys, WARN_SIZE } from './judge-foreign-keys.ts';
import { unservedKey, unservedKeysOf, type UnservedKey } from './unserved-key.ts';

const count = z.int().min(0);

export default defineDiagnostic({
  name: 'foreign_keys_without_index',
  area: 'indexes',
  title: 'Foreign keys without an index',
  description: 'Foreign keys that no index serves: deleting a referenced row reads the whole table.',
  seldom: ['min_rows'],
  input: {
    schema: schemaInput,
    min_rows: count.default(1000).describe('Leave out tables that are known to have fewer rows.'),
  },
  thresholds: {
    warn_size: count.default(WARN_SIZE).describe('Warn of tables from this size on, in bytes; note smaller ones.'),
  },
  row: unservedKey,
  counted: true,
  sql: ({ schema, min_rows, limit, estimate_sizes }) =>
    unservedKeysOf({
      // those that PostgreSQL adds for partitions have a parent
      among: sql`k.conparentid = 0 and (${schema}::text is null or n.nspname = ${schema}::text)`,
      minRows: min_rows,
      limit,
      estimateSizes: estimate_sizes,
    }),
  findings: (rows, { input }) => judgeUnservedKeys(rows, input.warn_size),
  notExamined: behindLocks,
});

function behindLocks(rows: readonly UnservedKey[]): NotExamined[] {
  const locked = rows.filter(({ size_estimated }) => size_estimated);
  if (locked.length === 0) return [];
  const names = new Set(locked.map(({ schema, table }) => quoteName(schema, table)));
  return [
    {
      what: `the exact size of ${[...names].slice(0, 10).join(', ')}, or of what it references`,
      reason: 'A session holds or awaits an exclusive lock; the sizes are those of the last VACUUM or ANALYZE.',
      remedy: 'activity shows who blocks whom.',
    },
  ];
}
