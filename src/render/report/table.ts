import { isRecord } from '../../core/record.ts';
import type { Field } from '../field.ts';
import { html, type Html } from '../html.ts';
import { EMPTY, formatValue } from '../value.ts';

/** Longer texts get the room of a line of their own in the table. */
const LONG_TEXT = 60;

/** A list of an answer. A click on a heading sorts by it; columns without any value are only named. */
export function renderHtmlTable(fields: readonly Field[], rows: readonly unknown[]): Html {
  const filled = fields.filter(({ key }) => rows.some((row) => !isEmpty(valueOf(row, key))));
  const empty = fields.filter((field) => !filled.includes(field)).map(({ key }) => key);
  return html`<div class="scroll">
      <table class="sortable">
        <thead>
          <tr>
            ${filled.map(({ key, numeric }) => html`<th scope="col"${numeric && html` class="number"`}>${key}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${filled.map((field) => renderCell(field, valueOf(row, field.key)))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${empty.length > 0 && html`<p class="quiet">without a value: ${empty.join(', ')}</p>`}`;
}

function renderCell(field: Field, value: unknown): Html {
  const text = formatValue(value, field);
  const kind = field.numeric ? 'number' : text.length > LONG_TEXT ? 'text' : undefined;
  return html`<td${kind && html` class="${kind}"`}${field.numeric && html` data-sort="${sortKeyOf(value)}"`}>${text}</td>`;
}

/** A quantity compares as a number, whatever its unit; what is unknown is the least. */
function sortKeyOf(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(Number(value)) : '-1';
}

function valueOf(row: unknown, key: string): unknown {
  return isRecord(row) ? row[key] : row;
}

function isEmpty(value: unknown): boolean {
  return (
    value === null || value === undefined || formatValue(value, { unit: undefined, time: false, fields: [] }) === EMPTY
  );
}
