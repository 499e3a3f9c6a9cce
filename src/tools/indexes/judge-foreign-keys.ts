import { comment, gather, quoteIdentifier, quoteName, type Finding } from '../kit/index.ts';
import type { UnservedKey } from './unserved-key.ts';

/** From here on, reading the table for each deleted row is felt; in bytes. */
export const WARN_SIZE = 4_194_304;

export function judgeUnservedKeys(rows: readonly UnservedKey[], warnSize: number): Finding[] {
  return gather(
    rows.map((row) => judgeKey(row, warnSize)),
    (many) => `${many} foreign keys have no index that serves them.`,
  );
}

function judgeKey(key: UnservedKey, warnSize: number): Finding {
  const { schema, table, constraint, columns, on_delete, on_update, rows, size, referenced_size } = key;
  const object = quoteName(schema, table);
  const create = (concurrently: string) =>
    `CREATE INDEX ${concurrently}ON ${object} (${columns.map(quoteIdentifier).join(', ')});`;
  return {
    severity: size >= warnSize ? 'warning' : 'notice',
    claim: `No index serves the foreign key ${quoteIdentifier(constraint)} of ${object}.`,
    object,
    evidence: {
      referenced: quoteName(key.referenced_schema, key.referenced_table),
      size,
      referenced_size,
      rows,
      on_delete,
      on_update,
      ...(key.partitions !== null && { partitions: key.partitions, partitions_without: key.partitions_without }),
    },
    why: 'https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK',
    next_step:
      key.partitions === null
        ? create('CONCURRENTLY ')
        : [
            comment(
              `beside the writes: CREATE INDEX CONCURRENTLY on each partition without one, and for those to come ON ONLY the table, with ALTER INDEX … ATTACH PARTITION`,
            ),
            comment(`all at once, with writes locked out until every partition has it: ${create('')}`),
          ].join('\n'),
  };
}
