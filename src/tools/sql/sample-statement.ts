import { quoteIdentifier } from '../../postgres/sql.ts';
import { quoteName } from '../kit/index.ts';

/** A column that is read. */
export interface SampledColumn {
  readonly column: string;
  /** As format_type has it. */
  readonly type: string;
}

export interface Sample {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly SampledColumn[];
  readonly rows: number;
  /** Characters of a text that are wanted. */
  readonly cellLength: number;
  /** Rows to choose among by chance; undefined for the first ones. */
  readonly among: number | undefined;
}

/** Rows that are looked at where nobody knows how many there are, and where there are more. */
const AMONG_UNKNOWN = 10_000;
const AMONG_AT_MOST = 1_000_000;

/** How many rows to choose among: all, as far as that is no long work. */
export function rowsToChooseAmong(estimate: number | null): number {
  if (estimate === null || estimate <= AMONG_UNKNOWN) return AMONG_UNKNOWN;
  return Math.min(estimate, AMONG_AT_MOST);
}

/**
 * A statement of quoted names, for the guard to judge and the masks to rewrite. By chance, of many rows
 * a few more than wanted are drawn in one pass and then mixed: TABLESAMPLE would pass by the masks, and a sort of all
 * takes long.
 */
export function sampleStatement({ schema, table, columns, rows, cellLength, among }: Sample): string {
  const names = columns.map(({ column }) => quoteIdentifier(column)).join(', ');
  const cells = columns.map((each) => cellOf(each, cellLength)).join(', ');
  const relation = quoteName(schema, table);
  if (among === undefined) return `SELECT ${cells} FROM ${relation} LIMIT ${rows + 1}`;
  const share = ((3 * rows + 20) / among).toFixed(9);
  return [
    `SELECT ${cells}`,
    `  FROM (SELECT ${names} FROM ${relation} LIMIT ${among}) AS sampled`,
    // there may be fewer than that
    ...(among > AMONG_UNKNOWN ? [` WHERE pg_catalog.random() < ${share}`] : []),
    ' ORDER BY pg_catalog.random()',
    ` LIMIT ${rows}`,
  ].join('\n');
}

const TEXT = /^(text|character varying)(\(\d+\))?$/;

/** Whether a longer value is cut on the server already. */
export function isCutThere({ type }: SampledColumn): boolean {
  return TEXT.test(type);
}

/** Of a text no more than is wanted leaves the server. */
function cellOf(column: SampledColumn, length: number): string {
  const name = quoteIdentifier(column.column);
  return isCutThere(column) ? `pg_catalog."left"(${name}::pg_catalog.text, ${length + 1}) AS ${name}` : name;
}
