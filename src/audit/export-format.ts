import { AuditEvent } from '../contract/audit-event.ts';

export const EXPORT_FORMATS = ['jsonl', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How events are written out, a line each; `head` stands before them. */
interface Formatter {
  readonly head: string;
  line(event: AuditEvent): string;
}

const COLUMNS = Object.keys(AuditEvent.shape) as (keyof AuditEvent)[];

/** What a spreadsheet would take for the begin of a formula: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u;

export const formatters: Readonly<Record<ExportFormat, Formatter>> = {
  jsonl: { head: '', line: (event) => `${JSON.stringify(event)}\n` },
  csv: {
    head: `${COLUMNS.join(',')}\r\n`,
    line: (event) => `${COLUMNS.map((name) => cell(event[name])).join(',')}\r\n`,
  },
};

/** RFC 4180. Numbers and times stand as they are; a text that a spreadsheet would run has an apostrophe before it. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  // where a list is separated by semicolons a spreadsheet would take what follows one for a cell
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
