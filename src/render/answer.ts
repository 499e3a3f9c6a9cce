import type { Operation, Output } from '../calls/operation.ts';
import { Finding, NotExamined } from '../contract/finding.ts';
import { isRecord } from '../core/record.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import { fieldsOf, guessField, type Field } from './field.ts';
import { renderFinding, renderNotExamined } from './finding.ts';
import { cellsOf, renderCells, type Cells } from './cells.ts';
import { palette } from './palette.ts';
import { renderTable, type TableStyle } from './table.ts';
import { formatValue } from './value.ts';

export interface AnswerStyle {
  /** Columns of the terminal; left out, only cells of more than 200 columns are cut. */
  readonly width?: number | undefined;
  readonly colors?: boolean | undefined;
  /** Rows of each list, and findings, that are shown; the rest is counted. */
  readonly maxRows?: number | undefined;
}

interface Style extends TableStyle {
  readonly maxRows: number;
}

/** Parts that have a place of their own. */
const SET_APART = new Set(['summary', 'findings', 'truncated', 'total', 'not_examined']);

/** An answer as text: a summary and the findings first, then its parts in the order of the schema, then what is missing. */
export function renderAnswer(operation: Operation, output: Output, options: AnswerStyle = {}): string {
  const style = {
    width: options.width,
    palette: palette(options.colors === true),
    maxRows: options.maxRows ?? Infinity,
  };
  const fields = fieldsOf(operation);
  const cells = cellsOf(output);
  const apart = cells ? new Set([...SET_APART, ...Object.keys(cells)]) : SET_APART;
  const parts = orderedParts(fields, output).filter(({ field }) => !apart.has(field.key));
  return [
    renderSummary(output['summary'], style),
    renderFindings(output['findings'], fields, style),
    ...renderParts(parts, style),
    cells ? renderResult(cells, style) : [],
    renderGaps(output, style),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** A model pays for each; all rows are in the structured content. */
const BRIEF = { bytes: 8000, rows: [20, 12, 7, 4, 2, 1] } as const;

/** The same for who pays by the token: as many rows of each list as fit in 8 kB, and 20 at most. */
export function renderBriefly(operation: Operation, output: Output): string {
  if (isWanted(output)) return renderAnswer(operation, output);
  let text = '';
  for (const maxRows of BRIEF.rows) {
    text = renderAnswer(operation, output, { maxRows });
    if (Buffer.byteLength(text) <= BRIEF.bytes) break;
  }
  return text;
}

/** Whether the caller asked for all of it as text. */
function isWanted(output: Output): boolean {
  const format = cellsOf(output)?.format;
  return format === 'table' || format === 'csv';
}

function renderResult(cells: Cells, style: Style): string[] {
  const shown = cells.rows.slice(0, style.maxRows);
  return [...renderCells({ ...cells, rows: shown }, style), ...more(cells.rows, shown, 'rows')];
}

interface Part {
  readonly field: Field;
  readonly value: unknown;
}

function orderedParts(fields: readonly Field[], values: Readonly<Record<string, unknown>>): Part[] {
  const declared = fields
    .filter(({ key }) => values[key] !== undefined)
    .map((field) => ({ field, value: values[field.key] }));
  const others = Object.entries(values)
    .filter(([key, value]) => value !== undefined && !fields.some((field) => field.key === key))
    .map(([key, value]) => ({ field: guessField(key, value), value }));
  return [...declared, ...others];
}

function renderSummary(value: unknown, { palette }: Style): string[] {
  return typeof value === 'string' ? [palette.bold(escapeControl(value))] : [];
}

function renderFindings(value: unknown, fields: readonly Field[], style: Style): string[] {
  const findings = (Array.isArray(value) ? value : []).flatMap((item) => Finding.safeParse(item).data ?? []);
  const shown = findings.slice(0, style.maxRows);
  return [
    ...shown.flatMap((finding) => renderFinding(finding, fields, style.palette)),
    ...more(findings, shown, 'findings'),
  ];
}

/** Plain values stand together; a list or an object is a block of its own. */
function renderParts(parts: readonly Part[], style: Style): string[][] {
  const plain = parts.filter(({ value }) => !isBlock(value));
  return [
    plain.map(
      ({ field, value }) => `${style.palette.dim(`${escapeControl(field.key)}:`)} ${formatValue(value, field)}`,
    ),
    ...parts.filter(({ value }) => isBlock(value)).map((part) => renderBlock(part, style)),
  ];
}

function isBlock(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 || value.some(isRecord);
  return isRecord(value) || (typeof value === 'string' && value.includes('\n'));
}

function renderBlock({ field, value }: Part, style: Style): string[] {
  const name = style.palette.dim(`${escapeControl(field.key)}:`);
  if (Array.isArray(value)) return renderList(name, { field, value }, style);
  if (typeof value === 'string') return [name, ...value.split('\n').map((line) => `  ${escapeControl(line)}`)];
  const within = { ...style, width: style.width === undefined ? undefined : style.width - 2 };
  const parts = isRecord(value) ? orderedParts(field.fields, value) : [];
  return [
    name,
    ...renderParts(parts, within)
      .flat()
      .map((line) => `  ${line}`),
  ];
}

/** `rows` is what the answer is about and needs no heading. */
function renderList(
  name: string,
  { field, value }: { field: Field; value: readonly unknown[] },
  style: Style,
): string[] {
  if (value.length === 0) return [`${name} none`];
  const shown = value.slice(0, style.maxRows);
  const columns = field.fields.length > 0 ? field.fields : guessField(field.key, value).fields;
  const table = renderTable(columns, shown, style);
  return [...(field.key === 'rows' ? [] : [name]), ...table, ...more(value, shown, 'rows')];
}

function more(all: readonly unknown[], shown: readonly unknown[], what: string): string[] {
  return shown.length < all.length ? [`… and ${all.length - shown.length} more ${what}`] : [];
}

function renderGaps(output: Output, { palette }: Style): string[] {
  const gaps = output['not_examined'];
  const notExamined = (Array.isArray(gaps) ? gaps : []).flatMap((gap) => NotExamined.safeParse(gap).data ?? []);
  return [...renderTruncation(output), ...notExamined.flatMap((gap) => renderNotExamined(gap, palette))];
}

function renderTruncation({ rows, truncated, total }: Output): string[] {
  const count = rows?.length ?? 0;
  if (typeof total === 'number' && total > count) return [`truncated: the first ${count} of ${total} rows`];
  return truncated === true ? [`truncated: the first ${count} rows; there are more`] : [];
}
