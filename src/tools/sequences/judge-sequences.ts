import {
  comment,
  gather,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import type { SequenceGaps, SequenceRow } from './sequence-row.ts';

export const WARN_PERCENT = 75;
export const CRITICAL_PERCENT = 90;

export interface Thresholds {
  readonly warn_percent: number;
  readonly critical_percent: number;
}

export function judgeSequences(rows: readonly SequenceRow[], thresholds: Thresholds): Finding[] {
  const findings = rows.flatMap((row) => judgeSequence(row, thresholds));
  return [
    ...gather(
      findings.filter(({ severity }) => severity === 'critical'),
      (many) => `${many} sequences are all but used up.`,
    ),
    ...gather(
      findings.filter(({ severity }) => severity !== 'critical'),
      (many) => `${many} sequences are largely used up.`,
    ),
  ];
}

export function judgeSequence(row: SequenceRow, { warn_percent, critical_percent }: Thresholds): Finding[] {
  const used = row.used_percent;
  if (used === null || used < Math.min(warn_percent, critical_percent)) return [];
  const object = quoteName(row.schema, row.sequence);
  const startsOver = row.cycles && row.limited_by !== 'column';
  return [
    {
      severity: startsOver ? 'notice' : used >= critical_percent ? 'critical' : 'warning',
      claim: `${object} has used ${used} % of ${consequence(row, startsOver)}.`,
      object,
      evidence: {
        used_percent: used,
        last_value: row.last_value,
        last_possible: row.last_possible,
        remaining: row.remaining,
        ...(row.column !== null && { column: columnOf(row), column_type: row.column_type }),
        sequence_type: row.sequence_type,
      },
      why: 'https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT',
      ...nextStep(row),
    },
  ];
}

function consequence({ limited_by, remaining }: SequenceRow, startsOver: boolean): string {
  const values = limited_by === 'column' ? 'the values that fit its column' : 'its values';
  if (startsOver) return `${values}, and then gives them again`;
  return remaining === '0' ? `${values}: inserts that need another fail` : `${values}; inserts fail when they run out`;
}

function columnOf({ table_schema, table, column }: SequenceRow): string {
  return `${quoteName(table_schema ?? '', table ?? '')}.${quoteIdentifier(column ?? '')}`;
}

/** None where even bigint is used up. */
function nextStep(row: SequenceRow): { next_step?: string } {
  if (row.limited_by !== 'sequence' && row.column_type === 'bigint') return {};
  const steps = row.limited_by === 'sequence' ? widenSequence(row, typeToFeed(row)) : widenColumn(row);
  return steps.length === 0 ? {} : { next_step: steps.join('\n') };
}

const TYPES: readonly (string | null)[] = ['smallint', 'integer', 'bigint'];

/** The type that a sequence needs to feed its column, and never a narrower one than it has. */
function typeToFeed({ sequence_type, column_type }: SequenceRow): string {
  if (!TYPES.includes(column_type)) return 'bigint';
  return TYPES[Math.max(TYPES.indexOf(sequence_type), TYPES.indexOf(column_type))] ?? 'bigint';
}

/** https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES */
function widenColumn(row: SequenceRow): string[] {
  const { table_schema, table, column, narrower_references, identity, limited_by, own_bound } = row;
  const object = quoteName(table_schema ?? '', table ?? '');
  const alter = `ALTER TABLE ${object} ALTER COLUMN ${quoteIdentifier(column ?? '')} TYPE bigint;`;
  const others = narrower_references.join(', ');
  const isBounded = own_bound && limited_by === 'both';
  // an identity column takes its sequence along
  const [sequence] = widenSequence(
    { ...row, own_bound: isBounded },
    identity && !isBounded ? row.sequence_type : 'bigint',
  );
  return [
    '-- twice, some time apart: how fast it advances, and how large the table is',
    lookAt(row, object),
    comment(
      `only where the table is small: ${alter} rewrites it and its indexes under ACCESS EXCLUSIVE, for which all reads and writes wait until it is done`,
    ),
    ...(sequence === undefined ? [] : [comment(`and then: ${sequence}`)]),
    '-- else beside the work: ADD COLUMN a bigint, a trigger that fills it for rows that are written, UPDATE of the others in batches, CREATE UNIQUE INDEX CONCURRENTLY over it; then, in one short transaction under lock_timeout, the new column takes the name, the default, the key and the sequence of the old one',
    ...(others === '' ? [] : [comment(`either way widen first what refers to it: ${others}`)]),
  ];
}

/** A partitioned table has no size of its own. */
function lookAt({ schema, sequence }: SequenceRow, table: string): string {
  const relation = `${quoteLiteral(table)}::regclass`;
  const size = `coalesce((SELECT sum(pg_total_relation_size(p.relid)) FROM pg_partition_tree(${relation}) p), pg_total_relation_size(${relation}))`;
  return `SELECT clock_timestamp(), s.last_value, pg_size_pretty(${size}) AS table_size FROM ${quoteName(schema, sequence)} s;`;
}

/** Rewrites nothing. None when the sequence is as wide as can be. */
function widenSequence({ schema, sequence, sequence_type, own_bound, increment }: SequenceRow, type: string): string[] {
  const as = sequence_type === type ? '' : ` AS ${type}`;
  const bound = own_bound ? (increment.startsWith('-') ? ' NO MINVALUE' : ' NO MAXVALUE') : '';
  return as === '' && bound === '' ? [] : [`ALTER SEQUENCE ${quoteName(schema, sequence)}${as}${bound};`];
}

export function judgeGaps(
  { without_right, without_right_in, behind_lock, unlogged }: SequenceGaps,
  login: string,
): NotExamined[] {
  const gaps: NotExamined[] = [];
  if (without_right > 0) {
    const role = quoteIdentifier(login);
    gaps.push({
      what: `how much of ${sequences(without_right)} is used`,
      reason: `The login ${role} has neither USAGE nor SELECT on them.`,
      remedy: `GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${without_right_in.join(', ')} TO ${role};`,
    });
  }
  if (behind_lock > 0) {
    gaps.push({
      what: `how much of ${sequences(behind_lock)} behind a lock is used`,
      reason: 'A session alters them and has not committed.',
      remedy: 'activity shows who blocks whom.',
    });
  }
  if (unlogged > 0) {
    gaps.push({
      what: `how much of ${sequences(unlogged, 'unlogged ')} is used`,
      reason: 'This server is a standby, which has no unlogged data.',
      remedy: 'Ask the primary.',
    });
  }
  return gaps;
}

function sequences(count: number, kind = ''): string {
  return `${count} ${kind}${count === 1 ? 'sequence' : 'sequences'}`;
}
