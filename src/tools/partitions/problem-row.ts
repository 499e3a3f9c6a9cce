import { z } from 'zod';
import { quoteName, type RowOf } from '../kit/index.ts';
import type { bounds, defaults, nodes, pending, totals, uneven } from './problem-parts.ts';
import { findGaps, inOrder, isReadable, isTime, readRange, type Gap, type Range } from './range-bounds.ts';

const count = z.int().min(0);

export const problemRow = z.object({
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  strategy: z.enum(['range', 'list', 'hash']),
  key_column: z
    .string()
    .nullable()
    .meta({ names: 'column' })
    .describe('Null of several columns, and of an expression.'),
  partitions: count.describe('Direct ones.'),
  bounds: z
    .enum(['read', 'other key', 'locked', 'too many', 'not ranges'])
    .describe('Whether gaps and the end of the ranges are known; read are those of dates, timestamps and integers.'),
  ends_at: z
    .string()
    .nullable()
    .meta({ names: 'bound' })
    .describe('The upper bound of the last range; null where it has no end.'),
  ahead_s: z.number().nullable().meta({ unit: 's' }).describe('Until then; negative when it is past.'),
  gaps: count.nullable().describe('Between ranges.'),
  default_partition: z.string().nullable(),
  default_rows: count.nullable().describe('As of its last VACUUM or ANALYZE.'),
  half_detached: count,
  uneven_indexes: count.describe('That most partitions have, and some not; of partitions at every level.'),
  autovacuum_off: count.describe('Partitions at every level.'),
  parameter_sets: count.nullable().describe('Different sets of storage parameters among them.'),
});
export type ProblemRow = z.output<typeof problemRow>;

interface Read {
  readonly nodes: readonly RowOf<typeof nodes>[];
  readonly bounds: readonly RowOf<typeof bounds>[];
  readonly defaults: readonly RowOf<typeof defaults>[];
  readonly pending: readonly RowOf<typeof pending>[];
  readonly totals: readonly RowOf<typeof totals>[];
  readonly uneven: readonly RowOf<typeof uneven>[];
}

/** All that is known of one partitioned table. */
export interface PartitionedTable {
  readonly node: RowOf<typeof nodes>;
  readonly object: string;
  /** In order; empty unless all were read. */
  readonly ranges: readonly Range[];
  /** Whether the partition of the last range has partitions of its own. */
  readonly lastIsPartitioned: boolean;
  readonly gaps: readonly Gap[];
  readonly bounds: ProblemRow['bounds'];
  readonly default: RowOf<typeof defaults> | undefined;
  readonly pending: readonly RowOf<typeof pending>[];
  readonly totals: RowOf<typeof totals> | undefined;
  readonly uneven: readonly RowOf<typeof uneven>[];
}

export function assemble(read: Read): PartitionedTable[] {
  const grouped = new Map<number, RowOf<typeof bounds>[]>();
  for (const bound of read.bounds) {
    const rows = grouped.get(bound.parent) ?? [];
    rows.push(bound);
    grouped.set(bound.parent, rows);
  }
  return read.nodes.map((node) => {
    const of = <T extends { readonly parent: number }>(rows: readonly T[]) =>
      rows.filter(({ parent }) => parent === node.oid);
    const own = {
      default: of(read.defaults)[0],
      pending: of(read.pending),
      totals: of(read.totals)[0],
      uneven: of(read.uneven),
    };
    const expected = node.partitions - own.pending.length - (own.default ? 1 : 0);
    const known = readBounds(node, grouped.get(node.oid) ?? [], expected);
    return { node, object: quoteName(node.schema, node.table), ...known, ...own };
  });
}

type Bounds = Pick<PartitionedTable, 'ranges' | 'gaps' | 'bounds' | 'lastIsPartitioned'>;

function without(reason: ProblemRow['bounds']): Bounds {
  return { ranges: [], gaps: [], bounds: reason, lastIsPartitioned: false };
}

function readBounds(
  { strategy, key_type }: RowOf<typeof nodes>,
  rows: readonly RowOf<typeof bounds>[],
  expected: number,
): Bounds {
  if (strategy !== 'range') return without('not ranges');
  if (!isReadable(key_type)) return without('other key');
  if (rows.some(({ bound }) => bound === null)) return without('locked');
  if (rows.length < expected) return without('too many');
  const read = rows.flatMap(({ bound, partitioned, local_from: from, local_to: to }) => {
    const range = readRange(bound ?? '', key_type, { from, to });
    return range ? [{ ...range, partitioned }] : [];
  });
  if (read.length < rows.length) return without('other key');
  const ranges = inOrder(read);
  const last = read.find(({ to }) => to === ranges.at(-1)?.to);
  return { ranges, gaps: findGaps(ranges), bounds: 'read', lastIsPartitioned: last?.partitioned === true };
}

export function describeProblems(table: PartitionedTable): ProblemRow {
  const { node, gaps, bounds, default: partition, totals } = table;
  const { schema, table: name, strategy, key_column, partitions } = node;
  return {
    schema,
    table: name,
    strategy,
    key_column,
    partitions,
    bounds,
    ...describeEnd(table),
    gaps: bounds === 'read' ? gaps.length : null,
    default_partition: partition ? quoteName(partition.schema, partition.table) : null,
    default_rows: partition?.rows ?? null,
    half_detached: table.pending.length,
    uneven_indexes: table.uneven.length,
    autovacuum_off: totals?.autovacuum_off ?? 0,
    parameter_sets: totals?.parameter_sets ?? null,
  };
}

function describeEnd({ node, ranges }: PartitionedTable): Pick<ProblemRow, 'ends_at' | 'ahead_s'> {
  const last = ranges.at(-1);
  if (!last) return { ends_at: null, ahead_s: null };
  const { text, order } = last.to;
  const ends = isTime(node.key_type) && Number.isFinite(Number(order));
  return { ends_at: text, ahead_s: ends ? Math.round(Number(order) - node.now) : null };
}
