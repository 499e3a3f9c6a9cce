import { gather, quoteLiteral, quoteName, type Finding, type NotExamined } from '../kit/index.ts';
import { behindLocks } from './measure.ts';
import { NOT_ALL_MEASURED } from './measured-page.ts';
import type { AboutSizes, SizeRow } from './size-row.ts';

interface Evidence {
  readonly input: {
    readonly max_index_percent: number;
    readonly max_toast_percent: number;
    readonly min_size: number;
  };
  readonly about: AboutSizes | null;
}

/** The catalogs of an ordinary database take some 10 MB: this much beside the tables is something else. */
const LARGE_OTHERS = 1_073_741_824;

/** That a table is large, or most of its database, is no fault. */
export function judgeSizes(rows: readonly SizeRow[], { input, about }: Evidence): Finding[] {
  const large = rows.filter(({ size, size_estimated }) => (size ?? 0) >= input.min_size && !size_estimated);
  return [
    ...gather(
      large.filter(({ index_percent }) => (index_percent ?? 0) > input.max_index_percent).map(describeIndexes),
      (count) => `${count} tables have indexes that are much larger than they are.`,
    ),
    ...gather(
      large.filter((row) => toastPercent(row) > input.max_toast_percent).map(describeToast),
      (count) => `${count} tables consist almost wholly of long values that are kept apart.`,
    ),
    ...judgeOthers(about),
  ];
}

function describeIndexes(row: SizeRow): Finding {
  const { schema, table, indexes, index_size, table_size, toast_size, index_percent } = row;
  const object = quoteName(schema, table);
  return {
    severity: 'notice',
    claim: `The indexes of ${object} take ${Math.round(index_percent ?? 0)} % of what the table itself takes.`,
    object,
    evidence: { index_size, table_size, toast_size, indexes },
    why: 'https://www.postgresql.org/docs/current/routine-reindex.html',
    next_step: listIndexes(row, object),
  };
}

function listIndexes({ partitions }: SizeRow, object: string): string {
  const name = quoteLiteral(object);
  const among = partitions === null ? `= ${name}::regclass` : `IN (SELECT relid FROM pg_partition_tree(${name}))`;
  return [
    '-- unused_indexes and duplicate_indexes say which are not needed; REINDEX shrinks those that deletions left half empty',
    `SELECT indexrelid::regclass, pg_size_pretty(pg_relation_size(indexrelid)) FROM pg_index WHERE indrelid ${among} ORDER BY pg_relation_size(indexrelid) DESC;`,
  ].join('\n');
}

/** Of table and TOAST together. */
function toastPercent({ table_size, map_size, toast_size }: SizeRow): number {
  const all = (table_size ?? 0) + (map_size ?? 0) + (toast_size ?? 0);
  return all === 0 ? 0 : ((toast_size ?? 0) / all) * 100;
}

function describeToast(row: SizeRow): Finding {
  const object = quoteName(row.schema, row.table);
  const { table_size, toast_size, rows, row_size } = row;
  return {
    severity: 'notice',
    claim: `${Math.round(toastPercent(row))} % of ${object} are long values that are kept apart (TOAST).`,
    object,
    evidence: { toast_size, table_size, rows, row_size },
    why: 'https://www.postgresql.org/docs/current/storage-toast.html',
    next_step: `-- the widest columns; statements that do not need them should not select them\nSELECT attname, avg_width FROM pg_stats WHERE schemaname = ${quoteLiteral(row.schema)} AND tablename = ${quoteLiteral(row.table)} ORDER BY avg_width DESC LIMIT 5;`,
  };
}

function judgeOthers(about: AboutSizes | null): Finding[] {
  const { database_size = null, total_size = null, other_size = null } = about ?? {};
  if (other_size === null || other_size < LARGE_OTHERS || other_size <= (database_size ?? 0) / 2) return [];
  return [
    {
      severity: 'notice',
      claim:
        'Most of the database is not in its tables: it is in catalogs, large objects or files that nothing refers to.',
      evidence: { other_size, database_size, total_size },
      why: 'https://www.postgresql.org/docs/current/lo-implementation.html',
      next_step:
        "SELECT oid::regclass, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' ORDER BY pg_total_relation_size(oid) DESC LIMIT 10;",
    },
  ];
}

/** What the sizes do not tell. */
export function unknownSizes(rows: readonly SizeRow[], about: AboutSizes | null, inRecovery: boolean): NotExamined[] {
  const unlogged = rows.filter(({ persistence }) => persistence === 'unlogged').length;
  return [
    ...behindLocks(rows),
    ...(about?.total_estimated === true ? [NOT_ALL_MEASURED] : []),
    ...(inRecovery && unlogged > 0
      ? [
          {
            what: `the size of ${unlogged} unlogged ${unlogged === 1 ? 'table' : 'tables'}`,
            reason: 'This server is a standby, which has no unlogged data.',
            remedy: 'Ask the primary.',
          },
        ]
      : []),
  ];
}
