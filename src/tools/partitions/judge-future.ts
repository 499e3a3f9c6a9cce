import { comment, quoteIdentifier, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import { rangeAfter, type NextRange } from './next-range.ts';
import type { PartitionedTable } from './problem-row.ts';
import { contains, isTime, type Range } from './range-bounds.ts';

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
    next_step: ahead < 0 ? makeNext(table) : listBounds(object),
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
    next_step: makeNext(table),
  };
}

/** A statement that lists the bounds of a table's partitions; `object` is its quoted name. */
export function listBounds(object: string): string {
  return `SELECT c.oid::regclass, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = ${quoteLiteral(object)}::regclass ORDER BY 2;`;
}

/** Made apart and attached, it keeps no query waiting: https://www.postgresql.org/docs/current/sql-altertable.html */
function makeNext(table: PartitionedTable): string {
  const { object, node, ranges, lastIsPartitioned, default: partition } = table;
  const next = rangeAfter(ranges, node.zone);
  if (!next || lastIsPartitioned) return listBounds(object);
  const name = quoteName(node.schema, join(node.table, `_${next.name}`));
  const create = `CREATE TABLE ${name} (LIKE ${object} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED);`;
  const attach = `ALTER TABLE ${object} ATTACH PARTITION ${name} FOR VALUES FROM ('${next.from}') TO ('${next.to}');`;
  if (!partition) return [create, attach].join('\n');
  return besideDefault(table, next, { partition: quoteName(partition.schema, partition.table), create, attach });
}

/**
 * Attaching takes ACCESS EXCLUSIVE on the default partition and reads all of it, unless a constraint says that it holds no
 * row of the new one: https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
 */
function besideDefault(
  { node }: PartitionedTable,
  { from, to, name }: NextRange,
  { partition, create, attach }: { readonly partition: string; readonly create: string; readonly attach: string },
): string {
  const key = quoteIdentifier(node.key_column ?? '');
  const range = `${key} >= '${from}' AND ${key} < '${to}'`;
  const constraint = quoteIdentifier(join(node.table, `_not_${name}`));
  return [
    '-- rows of the new partition that the default holds: attaching fails until they are moved',
    `SELECT * FROM ${partition} WHERE ${range} LIMIT 20;`,
    '-- then keep them out first, for else attaching holds ACCESS EXCLUSIVE on the default while it reads all of it',
    `-- SET lock_timeout = '2s';`,
    comment(
      `ALTER TABLE ${partition} ADD CONSTRAINT ${constraint} CHECK (NOT (${range})) NOT VALID; new rows of the range fail from here on`,
    ),
    comment(`ALTER TABLE ${partition} VALIDATE CONSTRAINT ${constraint}; reads it beside reads and writes`),
    comment(create),
    comment(`${attach} takes ACCESS EXCLUSIVE on the default for a moment`),
    comment(`ALTER TABLE ${partition} DROP CONSTRAINT ${constraint};`),
  ].join('\n');
}

/** `orders_20260101`, no longer than PostgreSQL takes. */
function join(table: string, suffix: string): string {
  let stem = table;
  while (Buffer.byteLength(stem) > MAX_NAME_BYTES - suffix.length) stem = stem.slice(0, -1);
  return `${stem}${suffix}`;
}
