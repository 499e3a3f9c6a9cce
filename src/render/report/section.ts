import type { Output } from '../../calls/operation.ts';
import { isRecord } from '../../core/record.ts';
import { escapeControl } from '../../sqltext/untrusted-text.ts';
import type { Tool } from '../../tools/kit/index.ts';
import { fieldsOf, guessField, type Field } from '../field.ts';
import { html, type Html } from '../html.ts';
import { EMPTY, formatValue } from '../value.ts';
import { renderChart } from './chart.ts';
import { renderHtmlTable } from './table.ts';

/** What one diagnostic answered. */
export interface Answered {
  readonly tool: Tool;
  readonly output: Output;
}

/** Parts that the page has elsewhere. */
const SET_APART = new Set(['server', 'database', 'findings', 'not_examined', 'truncated', 'total']);

/** The tables and charts of one answer; a reader opens those that have no finding. */
export function renderSection({ tool, output }: Answered, hasFindings: boolean): Html {
  const parts = partsOf(tool, output);
  const lists = parts.filter(({ value }) => Array.isArray(value) && value.some(isRecord));
  const plain = parts.filter((part) => !lists.includes(part));
  return html`<details id="${tool.name}"${hasFindings && html` open`}>
    <summary>
      <h3>${tool.title}</h3>
      <code>${tool.name}</code>
    </summary>
    <p class="quiet">${tool.description}</p>
    ${renderCharts(tool, parts)}${renderPlain(plain)}${lists.map((part) => renderList(part, output))}
  </details>`;
}

interface Part {
  readonly field: Field;
  readonly value: unknown;
}

function partsOf(tool: Tool, output: Output): Part[] {
  const fields = fieldsOf(tool);
  return Object.entries(output)
    .filter(([key, value]) => !SET_APART.has(key) && value !== undefined)
    .map(([key, value]) => ({ field: fields.find((field) => field.key === key) ?? guessField(key, value), value }));
}

function renderCharts({ charts = [] }: Tool, parts: readonly Part[]): (Html | undefined)[] {
  return charts.map((spec) => {
    const part = parts.find(({ field }) => field.key === (spec.of ?? 'rows'));
    return Array.isArray(part?.value) ? renderChart(spec, part.value, part.field.fields) : undefined;
  });
}

/** What is one value stands together, an object below its name; what is not there is left out. */
function renderPlain(parts: readonly Part[]): Html[] {
  const objects = parts.filter(({ value }) => isRecord(value));
  return [
    renderFacts(parts.filter((part) => !objects.includes(part))),
    ...objects.map(({ field, value }) => {
      const inner = Object.entries(isRecord(value) ? value : {});
      const fields = inner.map(
        ([key, each]) => field.fields.find((known) => known.key === key) ?? guessField(key, each),
      );
      return html`<h4>${field.key}</h4>${renderFacts(inner.map(([, each], i) => ({ field: fields[i] ?? field, value: each })))}`;
    }),
  ];
}

function renderFacts(parts: readonly Part[]): Html {
  const facts = parts.map(({ field, value }) => ({ name: field.key, text: formatValue(value, field) }));
  return html`<dl>${facts
    .filter(({ text }) => text !== EMPTY)
    .map(({ name, text }) => html`<div><dt>${escapeControl(name)}</dt><dd>${text}</dd></div>`)}</dl>`;
}

function renderList({ field, value }: Part, { truncated, total }: Output): Html {
  const rows = Array.isArray(value) ? value : [];
  const columns = field.fields.length > 0 ? field.fields : guessField(field.key, value).fields;
  const isCut = field.key === 'rows' && truncated === true;
  return html`${field.key !== 'rows' && html`<h4>${field.key}</h4>`} ${renderHtmlTable(columns, rows)}
  ${isCut && html`<p class="quiet">the first ${rows.length}${typeof total === 'number' && ` of ${total}`} rows</p>`}`;
}
