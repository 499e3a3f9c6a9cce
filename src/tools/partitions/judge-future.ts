import { comment, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import type { PartitionedTable } from './problem-row.ts';
import { contains, isTime, rangeAfter, type Range } from './range-bounds.ts';

const WHY = 'https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE';
const DAY_S = 86_400;
const MAX_NAME_BYTES = 63;

/** Longer past its end than two of its ranges, or a month, a table has come to its end: nobody waits for new partitions. */
const ABANDONED_AFTER = { steps: 2, seconds: 30 * DAY_S } as const;

/** Partitions for the time that comes, of ranges over time. */
export function judgeFuture(table: PartitionedTable, warnAheadDays: number): Finding[] {
  const { node, ranges } = table;
  const last = ranges.at(-1);
  const first = ranges[0];
  if (!last || !first || !isTime(node.key_type) || node.bounded_above) return [];
  if (first.from.order > node.now) return [];
  const ahead = Number(last.to.order) - node.now;
  const step = Number(last.to.order) - Number(last.from.order);
  if (!ranges.some((range) => contains(range, node.now))) {
    const { steps, seconds } = ABANDONED_AFTER;
    return -ahead > Math.min(steps * step, seconds) ? [] : [describeMissing(table, last, ahead)];
  }
  return ahead < Math.min(step, warnAheadDays * DAY_S) ? [describeEnding(table, last, ahead)] : [];
}

function describeMissing(table: PartitionedTable, last: Range, ahead: number): Finding {
  const { object, node, default: partition } = table;
  return {
    severity: partition ? 'warning' : 'critical',
    claim: partition
      ? `${object} has no partition for rows of now: they go to its default partition.`
      : `${object} has no partition for rows of now: inserts of them fail.`,
    object,
    evidence: { key: node.key_column, ends_at: last.to.text, ahead_s: Math.round(ahead), partitions: node.partitions },
    why: WHY,
    next_step: ahead < 0 ? makeNext(table, last) : listBounds(object),
  };
}

function describeEnding(table: PartitionedTable, last: Range, ahead: number): Finding {
  const { object, node, default: partition } = table;
  return {
    severity: partition ? 'notice' : 'warning',
    claim: `The last partition of ${object} ends at ${last.to.text}: ${partition ? 'later rows go to the default partition' : 'inserts of later rows fail'}.`,
    object,
    evidence: { key: node.key_column, ends_at: last.to.text, ahead_s: Math.round(ahead), partitions: node.partitions },
    why: WHY,
    next_step: makeNext(table, last),
  };
}

/** A statement that lists the bounds of a table's partitions; `object` is its quoted name. */
export function listBounds(object: string): string {
  return `SELECT c.oid::regclass, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = ${quoteLiteral(object)}::regclass ORDER BY 2;`;
}

/** Made apart and attached, it keeps no query waiting: https://www.postgresql.org/docs/current/sql-altertable.html */
function makeNext(table: PartitionedTable, last: Range): string {
  const { object, node, lastIsPartitioned, default: partition } = table;
  const next = rangeAfter(last);
  if (!next || lastIsPartitioned) return listBounds(object);
  const name = quoteName(node.schema, nameAfter(node.table, next.from));
  return [
    ...(partition
      ? [comment('attaching reads the default partition, and fails when it holds rows of the new one: move them first')]
      : []),
    `CREATE TABLE ${name} (LIKE ${object} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED);`,
    `ALTER TABLE ${object} ATTACH PARTITION ${name} FOR VALUES FROM ('${next.from}') TO ('${next.to}');`,
  ].join('\n');
}

/** `orders_20260101`, no longer than PostgreSQL takes. */
function nameAfter(table: string, from: string): string {
  const suffix = `_${from
    .replace(/\+00$/, '')
    .replace(' 00:00:00', '')
    .replaceAll(/[^0-9]/g, '')}`;
  let stem = table;
  while (Buffer.byteLength(stem) > MAX_NAME_BYTES - suffix.length) stem = stem.slice(0, -1);
  return `${stem}${suffix}`;
}
