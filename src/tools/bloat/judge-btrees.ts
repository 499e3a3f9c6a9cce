import {
  comment,
  gather,
  quoteLiteral,
  quoteName,
  reindexLocking,
  type Finding,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import type { Btree, otherIndexes } from './btree.ts';
import type { IndexRow } from './index-row.ts';
import { callOf, megabytes, type Pgstattuple } from './pgstattuple.ts';

interface Limits {
  readonly min_wasted: number;
  readonly max_percent: number;
  readonly pgstattuple: Pgstattuple;
}

type Judged = IndexRow & Pick<Btree, 'exclusion'>;

/** A half of each page is empty after random inserts, and that much is no fault. */
export function judgeBtrees(rows: readonly Judged[], limits: Limits): Finding[] {
  const bloated = rows.filter(
    ({ wasted, wasted_percent }) => (wasted ?? 0) >= limits.min_wasted && (wasted_percent ?? 0) >= limits.max_percent,
  );
  return gather(
    bloated.map((row) => judge(row, limits.pgstattuple)),
    (count) => `${count} indexes take much more space than their keys.`,
  );
}

function judge(row: Judged, extension: Pgstattuple): Finding {
  const { schema, table, index, size, wasted, wasted_percent, rows, fillfactor, leaf_density, leaf_fragmentation } =
    row;
  const object = quoteName(schema, index);
  const about = row.method === 'estimated' ? 'About ' : '';
  return {
    severity: 'notice',
    claim: `${about}${Math.round(wasted_percent ?? 0)} % of the index ${object} (${megabytes(wasted ?? 0)}) is space that its keys do not need.`,
    object,
    evidence: {
      table: quoteName(schema, table),
      size,
      wasted,
      rows,
      fillfactor,
      leaf_density,
      leaf_fragmentation,
      deduplicates: row.deduplicates,
      method: row.method,
    },
    why: 'https://www.postgresql.org/docs/current/routine-reindex.html',
    next_step: [
      ...(about === ''
        ? []
        : ['-- measures it first', callOf(extension, `pgstatindex(${quoteLiteral(object)}::regclass)`)]),
      rebuild(row, object),
    ].join('\n'),
  };
}

/** https://www.postgresql.org/docs/current/sql-reindex.html: exclusion constraints cannot be reindexed concurrently. */
function rebuild({ exclusion, size, wasted, method }: Judged, object: string): string {
  const room = `takes some ${megabytes(size - (wasted ?? 0))} for the new one beside the old`;
  if (exclusion) return reindexLocking(object, room);
  const statement = `REINDEX INDEX CONCURRENTLY ${object};`;
  return method === 'estimated' ? comment(`${statement} ${room}`) : `${statement} ${comment(room)}`;
}

/** What of other kinds of indexes is unknown. */
export function otherKinds(others: readonly RowOf<typeof otherIndexes>[]): NotExamined[] {
  if (others.length === 0) return [];
  const kinds = others.map(({ kind, indexes, size }) => `${indexes} ${kind} (${megabytes(size)})`).join(', ');
  return [
    {
      what: `the bloat of indexes that are no B-trees: ${kinds}`,
      reason: 'How large they would be if they were built anew does not follow from statistics.',
      remedy: 'Of pgstattuple, pgstathashindex() and pgstatginindex() tell something of two kinds.',
    },
  ];
}
