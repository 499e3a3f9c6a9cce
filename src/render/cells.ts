import { z } from 'zod';
import type { Output } from '../calls/operation.ts';
import { csvRecord } from '../core/csv.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import type { Field } from './field.ts';
import { renderTable, type TableStyle } from './table.ts';

/** Rows of a statement that nobody declared: lists of cells, or records of CSV, and what their columns are. */
const Cells = z.object({
  format: z.enum(['rows', 'table', 'csv']),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.union([z.string(), z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))])),
});
export type Cells = z.output<typeof Cells>;

/** Undefined for an answer of any other kind. */
export function cellsOf(output: Output): Cells | undefined {
  return 'columns' in output && 'format' in output ? Cells.safeParse(output).data : undefined;
}

export function renderCells({ format, columns, rows }: Cells, style: TableStyle): string[] {
  if (format === 'csv')
    return [csvRecord(columns.map(({ name }) => name)), ...rows].map((line) => escapeControl(String(line)));
  const types = columns.map(({ name, type }) => escapeControl(`${name} ${type}`)).join(', ');
  const head = `${style.palette.dim('columns:')} ${types}`;
  if (rows.length === 0) return [head, `${style.palette.dim('rows:')} none`];
  return [head, ...renderTable(columns.map(fieldOf), rows.map(asTexts), style)];
}

/** Every character and digit of the cells, on one line each. */
function asTexts(row: Cells['rows'][number]): unknown {
  return Array.isArray(row) ? row.map((cell) => (cell === null ? null : escapeControl(String(cell)))) : row;
}

const NUMBERS = /^(smallint|integer|bigint|numeric|real|double precision|oid|money)\b(?!.*\[\])/;

function fieldOf({ name, type }: Cells['columns'][number], at: number): Field {
  return { key: name, unit: undefined, numeric: NUMBERS.test(type), time: false, fields: [], at };
}
