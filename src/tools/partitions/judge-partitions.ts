import { comment, gather, quoteIdentifier, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import { judgeFuture, listBounds } from './judge-future.ts';
import type { PartitionedTable } from './problem-row.ts';
import { contains, isTime } from './range-bounds.ts';

const DOCS = 'https://www.postgresql.org/docs/current';
const MAINTENANCE = `${DOCS}/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE`;

export interface Thresholds {
  readonly warn_ahead_days: number;
  readonly max_partitions: number;
}

export function judgePartitions(tables: readonly PartitionedTable[], thresholds: Thresholds): Finding[] {
  const each = (judge: (table: PartitionedTable) => Finding[]) => tables.flatMap(judge);
  return [
    ...gather(
      each((table) => judgeFuture(table, thresholds.warn_ahead_days)),
      (count) => `${count} partitioned tables have no partition for rows of now, or soon will not.`,
    ),
    ...gather(each(judgePending), (count) => `${count} partitions are half detached.`),
    ...gather(each(judgeDefault), (count) => `${count} default partitions are not empty.`),
    ...gather(each(judgeGaps), (count) => `${count} partitioned tables have gaps between their partitions.`),
    ...gather(each(judgeUneven), (count) => `${count} indexes are on most partitions of a table, and not on all.`),
    ...gather(each(judgeUniqueness), (count) => `Unique keys of ${count} tables hold within each partition only.`),
    ...gather(each(judgeAutovacuum), (count) => `Autovacuum is turned off for partitions of ${count} tables.`),
    ...gather(
      each((table) => judgeNumber(table, thresholds.max_partitions)),
      (count) => `${count} tables have very many partitions.`,
    ),
  ];
}

function judgePending({ object, pending }: PartitionedTable): Finding[] {
  return pending.map(({ schema, table }) => ({
    severity: 'warning' as const,
    claim: `${quoteName(schema, table)} is half detached: queries of ${object} leave it out, and nothing else can be detached concurrently.`,
    object: quoteName(schema, table),
    evidence: { parent: object, detach_pending: true },
    why: `${DOCS}/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION`,
    next_step: `ALTER TABLE ${object} DETACH PARTITION ${quoteName(schema, table)} FINALIZE; ${comment('waits for transactions that may still see it')}`,
  }));
}

function judgeDefault({ object, default: partition }: PartitionedTable): Finding[] {
  if (!partition || partition.rows === 0 || partition.locked) return [];
  return [defaultNotEmpty(object, partition)];
}

/** `object` is the quoted name of the partitioned table. */
export function defaultNotEmpty(
  object: string,
  {
    schema,
    table,
    rows,
    size,
  }: { readonly schema: string; readonly table: string; readonly rows: number | null; readonly size: number | null },
): Finding {
  return {
    severity: 'notice',
    claim: `The default partition of ${object} is not empty; its rows stand in the way of a partition made for them.`,
    object: quoteName(schema, table),
    evidence: { rows, size },
    why: `${DOCS}/ddl-partitioning.html`,
    next_step: `SELECT * FROM ${quoteName(schema, table)} LIMIT 20;`,
  };
}

/** Where a default takes them, nothing fails; that of now is said with the future. */
function judgeGaps({ object, gaps: all, default: partition, node }: PartitionedTable): Finding[] {
  const gaps = isTime(node.key_type) ? all.filter((gap) => !contains(gap, node.now)) : all;
  const [first] = gaps;
  if (!first || partition || node.bounded_above) return [];
  return [
    {
      severity: 'notice',
      claim: `${object} has no partition for values from ${first.from.text} to ${first.to.text}${gaps.length > 1 ? `, and ${gaps.length - 1} more gaps` : ''}: inserts of them fail.`,
      object,
      evidence: { key: node.key_column, gaps: gaps.length, from: first.from.text, to: first.to.text },
      why: MAINTENANCE,
      next_step: listBounds(object),
    },
  ];
}

function judgeUneven({ object, uneven }: PartitionedTable): Finding[] {
  return uneven.map(({ columns, partitions_with, partitions_without, first_without, index_schema, index }) => ({
    severity: 'notice' as const,
    claim: `${partitions_without} of ${partitions_with + partitions_without} partitions of ${object} lack an index on (${columns.map(quoteIdentifier).join(', ')}) that the others have.`,
    object,
    evidence: {
      index: quoteName(index_schema, index),
      partitions_with,
      partitions_without,
      without: first_without.join(', '),
    },
    why: MAINTENANCE,
    next_step: [
      comment(`how the others have it; make it with CONCURRENTLY on ${first_without.join(', ')}`),
      `SELECT pg_get_indexdef(${quoteLiteral(quoteName(index_schema, index))}::regclass);`,
    ].join('\n'),
  }));
}

function judgeUniqueness({ object, totals }: PartitionedTable): Finding[] {
  if (totals?.unique_within !== true) return [];
  return [
    {
      severity: 'notice',
      claim: `Unique keys of ${object} hold within each partition only: the table itself has none.`,
      object,
      evidence: { partitions: totals.leaves },
      why: `${DOCS}/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-LIMITATIONS`,
      next_step: [
        '-- one over all partitions has to contain the partition key',
        `SELECT pg_get_partkeydef(${quoteLiteral(object)}::regclass);`,
      ].join('\n'),
    },
  ];
}

function judgeAutovacuum({ object, totals }: PartitionedTable): Finding[] {
  const { autovacuum_off = 0, leaves = 0 } = totals ?? {};
  if (autovacuum_off === 0) return [];
  return [
    {
      severity: 'notice',
      claim: `Autovacuum is turned off for ${autovacuum_off} of ${leaves} partitions of ${object}.`,
      object,
      evidence: { autovacuum_off, partitions: leaves },
      why: `${DOCS}/sql-createtable.html#RELOPTION-AUTOVACUUM-ENABLED`,
      next_step: `SELECT format('ALTER TABLE %s RESET (autovacuum_enabled);', c.oid::regclass) FROM pg_partition_tree(${quoteLiteral(object)}) t JOIN pg_class c ON c.oid = t.relid WHERE c.reloptions::text ~ 'autovacuum_enabled';`,
    },
  ];
}

function judgeNumber({ object, totals }: PartitionedTable, maxPartitions: number): Finding[] {
  const { leaves = 0 } = totals ?? {};
  if (leaves <= maxPartitions) return [];
  return [
    {
      severity: 'notice',
      claim: `${object} has ${leaves} partitions: each session that plans over them takes time and memory for every one it cannot rule out.`,
      object,
      evidence: { partitions: leaves },
      why: `${DOCS}/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-BEST-PRACTICES`,
      next_step: comment('larger ranges for what is new, and DETACH PARTITION … CONCURRENTLY for what is old'),
    },
  ];
}
