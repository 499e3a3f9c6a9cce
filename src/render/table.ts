import { isRecord } from '../core/record.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import type { Field } from './field.ts';
import type { Palette } from './palette.ts';
import { padEnd, padStart, shorten, textWidth } from './text-width.ts';
import { EMPTY, formatValue } from './value.ts';

/** No cell is wider, wherever it is shown. */
const CELL_MAX = 200;
/** A text column is not cut below this; a table that still does not fit is written row by row. */
const COLUMN_MIN = 8;
const GAP = '  ';

export interface TableStyle {
  /** Columns of the terminal; undefined where lines may have any length. */
  readonly width: number | undefined;
  readonly palette: Palette;
}

interface Column {
  readonly field: Field;
  readonly cells: readonly string[];
  /** Of its widest cell or its name. */
  readonly width: number;
}

/** The rows under the names of their fields, fitted to the width by cutting the longest texts. Empty columns are only named. */
export function renderTable(fields: readonly Field[], rows: readonly unknown[], style: TableStyle): string[] {
  const read = fields.map((field) => readColumn(field, rows));
  const columns = read.filter(({ cells }) => cells.some((cell) => cell !== EMPTY));
  const empty = read.filter((column) => !columns.includes(column)).map(({ field }) => escapeControl(field.key));
  return [
    ...renderColumns(columns, rows, style),
    ...(empty.length === 0 ? [] : [style.palette.dim(`without a value: ${empty.join(', ')}`)]),
  ];
}

function renderColumns(columns: readonly Column[], rows: readonly unknown[], style: TableStyle): string[] {
  const widths = fitColumns(columns, style.width);
  if (widths === undefined) return renderRecords(columns, rows.length, style);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (columns[i]?.field.numeric ? padStart(cell, widths[i] ?? 0) : padEnd(cell, widths[i] ?? 0)))
      .join(GAP)
      .trimEnd();
  const cut = columns.map(({ cells, width }, i) => {
    const fitted = widths[i] ?? width;
    return fitted < width ? cells.map((cell) => shorten(cell, fitted)) : cells;
  });
  return [
    style.palette.dim(line(columns.map(({ field }, i) => shorten(escapeControl(field.key), widths[i] ?? 0)))),
    ...rows.map((_, row) => line(cut.map((cells) => cells[row] ?? ''))),
  ];
}

function readColumn(field: Field, rows: readonly unknown[]): Column {
  const cells = rows.map((row) => shorten(formatValue(cellOf(row, field), field), CELL_MAX));
  const width = cells.reduce((widest, cell) => Math.max(widest, textWidth(cell)), textWidth(escapeControl(field.key)));
  return { field, cells, width };
}

function cellOf(row: unknown, { key, at }: Field): unknown {
  if (at !== undefined && Array.isArray(row)) return row[at];
  return isRecord(row) ? row[key] : row;
}

/** Widths that fit into `total`: the widest texts lose first, numbers never. Undefined when it cannot be done. */
function fitColumns(columns: readonly Column[], total: number | undefined): number[] | undefined {
  const widths = columns.map(({ width }) => width);
  if (total === undefined) return widths;
  const flexible = columns.filter(({ field }) => !field.numeric).map(({ width }) => width);
  const fixed = sum(widths) - sum(flexible) + GAP.length * (columns.length - 1);
  const cap = widestCap(flexible, total - fixed);
  if (cap < COLUMN_MIN && flexible.some((width) => width > cap)) return undefined;
  return columns.map(({ field, width }) => (field.numeric ? width : Math.min(width, cap)));
}

/** The largest cap under which `widths` take no more than `room` together. */
function widestCap(widths: readonly number[], room: number): number {
  let left = room;
  for (const [i, width] of widths.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (widths.length - i));
    if (width > share) return share;
    left -= width;
  }
  return left < 0 ? 0 : Infinity;
}

/** One field a line, as psql's expanded display. */
function renderRecords(columns: readonly Column[], count: number, { width, palette }: TableStyle): string[] {
  const keyWidth = Math.max(...columns.map(({ field }) => textWidth(escapeControl(field.key))));
  const room = Math.max(COLUMN_MIN, (width ?? CELL_MAX) - keyWidth - GAP.length);
  return Array.from({ length: count }, (_, row) => [
    ...(row === 0 ? [] : ['']),
    ...columns.map(({ field, cells }) => {
      return `${palette.dim(padEnd(field.key, keyWidth))}${GAP}${shorten(cells[row] ?? '', room)}`;
    }),
  ]).flat();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
