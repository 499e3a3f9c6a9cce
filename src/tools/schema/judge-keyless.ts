import { comment, gather, lockBriefly, quoteIdentifier, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import type { KeylessTable } from './keyless-table.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

interface Thresholds {
  readonly min_rows: number;
  readonly warn_size: number;
}

export function judgeKeyless(rows: readonly KeylessTable[], { min_rows, warn_size }: Thresholds): Finding[] {
  const failing = rows.filter(({ changes_fail }) => changes_fail);
  // one with a whole unique key has all that a primary key would give
  const others = rows.filter((row) => !row.changes_fail && row.unique_usable !== true && countRows(row) >= min_rows);
  return [
    ...gather(failing.map(judgeFailing), (count) => `UPDATE and DELETE of ${count} published tables fail.`),
    ...gather(
      others.map((row) => judgeMissing(row, warn_size)),
      (count) => `${count} tables have no primary key.`,
    ),
  ];
}

/** Before the first VACUUM or ANALYZE nobody knows how many there are: its size gives an idea. */
const USUAL_ROW_BYTES = 100;

function countRows({ rows, size }: KeylessTable): number {
  return rows ?? (size ?? 0) / USUAL_ROW_BYTES;
}

function judgeFailing(row: KeylessTable): Finding {
  const object = quoteName(row.schema, row.table);
  const { replica_identity, rows, size } = row;
  return {
    severity: 'warning',
    claim: `UPDATE and DELETE of ${object} fail: they are published, and nothing identifies its rows.`,
    object,
    evidence: { publications: row.publications.join(', '), replica_identity, rows, size },
    why: `${DOCS}/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY`,
    next_step: identify(row, object),
  };
}

/** The replica identity of a partitioned table is not that of its partitions. */
function identify({ kind, unique_usable, unique_index }: KeylessTable, object: string): string {
  if (kind === 'partitioned_table') {
    return [
      '-- writes the statements for each partition, each of which takes ACCESS EXCLUSIVE on it for a moment; one with a unique index over not-null columns takes USING INDEX instead of FULL',
      `SELECT format('SET lock_timeout = ''2s''; ALTER TABLE %s REPLICA IDENTITY FULL;', relid::regclass) FROM pg_partition_tree(${quoteLiteral(object)}) WHERE isleaf;`,
    ].join('\n');
  }
  if (unique_usable === true && unique_index !== null) {
    return lockBriefly(
      `ALTER TABLE ${object} REPLICA IDENTITY USING INDEX ${quoteIdentifier(unique_index)};`,
      'the table',
    );
  }
  return lockBriefly(
    `ALTER TABLE ${object} REPLICA IDENTITY FULL;`,
    'the table',
    'until it has a key: WAL then holds the whole old row, and subscribers may search all of theirs for it',
  );
}

function judgeMissing(row: KeylessTable, warnSize: number): Finding {
  const object = quoteName(row.schema, row.table);
  const { rows, size, unique_index, replica_identity } = row;
  const replicated = row.publications.length > 0 && replica_identity === 'full';
  return {
    severity: replicated || (size ?? 0) >= warnSize ? 'warning' : 'notice',
    claim: `${object} has no primary key${replicated ? ', and it is published: subscribers may search all of it for each row that changes' : ''}.`,
    object,
    evidence: { rows, size, unique_index, replica_identity, publications: row.publications.join(', ') },
    why: `${DOCS}/ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS`,
    next_step: findKey(row),
  };
}

/** Which columns could be the key, by the statistics that the planner has. */
function findKey({ schema, table, kind }: KeylessTable): string {
  const makeIt =
    kind === 'partitioned_table'
      ? 'the columns of its partition key have to be among them'
      : 'of those that identify a row, CREATE UNIQUE INDEX CONCURRENTLY makes an index beside the writes, and ADD PRIMARY KEY USING INDEX its key';
  return [
    comment(`n_distinct of -1 is a column whose values all differ; ${makeIt}`),
    `SELECT attname, n_distinct, null_frac FROM pg_stats WHERE schemaname = ${quoteLiteral(schema)} AND tablename = ${quoteLiteral(table)} ORDER BY n_distinct < 0 DESC, abs(n_distinct) DESC LIMIT 5;`,
  ].join('\n');
}
