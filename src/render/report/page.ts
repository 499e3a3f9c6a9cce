import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { escapeControl } from '../../sqltext/untrusted-text.ts';
import type { HealthAnswer } from '../../tools/health/health-check.ts';
import { AREAS } from '../../tools/kit/tool.ts';
import { fieldsOf } from '../field.ts';
import { html, toText, trusted, type Html } from '../html.ts';
import { formatQuantity } from '../quantity.ts';
import { renderGap, renderHtmlFinding } from './finding.ts';
import { renderSection, type Answered } from './section.ts';
import { REPORT_STYLE } from './style.ts';

/** What a report is made of. */
export interface Report {
  readonly health: HealthAnswer;
  readonly answered: readonly Answered[];
  /** `user@host:port/database`. */
  readonly address: string;
  /** Of PostgreSQL; null where it is not known. */
  readonly version: string | null;
  readonly inRecovery: boolean;
  readonly madeAt: Date;
  readonly tookMs: number;
  /** Of Howdah. */
  readonly howdah: string;
}

/** Sorts tables by a click on a heading: https://github.com/tofsjonas/sortable */
const SORT = readFileSync(fileURLToPath(import.meta.resolve('sortable-tablesort/dist/sortable.min.js')), 'utf8');
const SCRIPT = `document.documentElement.classList.add('js');${SORT}`;

/** Nothing is fetched or sent; a table may carry widths of its own. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', REPORT_STYLE, 'base64')}'`,
  "style-src-attr 'unsafe-inline'",
  `script-src 'sha256-${hash('sha256', SCRIPT, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const SEVERITIES = ['critical', 'warning', 'notice'] as const;

/** One page that holds everything it needs. */
export function renderReport(report: Report): string {
  const { health, answered } = report;
  const title = `${health.server}: health report`;
  return toText(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${trusted(`<style>${REPORT_STYLE}</style>`)}
<main>
${renderHead(report)}
${renderAreas(report)}
${renderFindings(report)}
${AREAS.map((area) => renderArea(area, answered, health))}
${renderGaps(health)}
${renderFoot(report)}
</main>
${trusted(`<script>${SCRIPT}</script>`)}
</html>
`);
}

function renderHead({ health, address, version, inRecovery, madeAt }: Report): Html {
  const facts = [
    version === null ? undefined : `PostgreSQL ${escapeControl(version)}`,
    inRecovery ? 'standby' : undefined,
    madeAt
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z/, ' UTC'),
  ];
  return html`<header>
    <div class="grade ${health.grade}" role="img" aria-label="Grade ${health.grade}">${health.grade ?? '–'}</div>
    <div>
      <h1>${escapeControl(health.server)} / ${escapeControl(health.database)}</h1>
      <p class="quiet">${escapeControl(address)} · ${facts.filter((fact) => fact !== undefined).join(' · ')}</p>
      <p>${health.summary}</p>
    </div>
  </header>`;
}

function renderAreas({ health: { areas } }: Report): Html {
  return html`<ul class="areas">
    ${Object.entries(areas).map(
      ([area, grade]) =>
        html`<li class="${grade}">
          <a href="#area-${area}">${nameOf(area)} <b>${grade}</b></a>
        </li>`,
    )}
  </ul>`;
}

function renderFindings({ health: { findings }, answered }: Report): Html {
  const shown = findings.filter(({ severity }) => SEVERITIES.some((each) => each === severity));
  if (shown.length === 0)
    return html`<h2>Findings</h2>
      <p>Nothing to mend.</p>`;
  return html`<h2>Findings</h2>
    <p class="quiet">Each step is for a person to review; none was run.</p>
    ${shown.map(({ tool: name, more: _more, ...finding }) => {
      const tool = answered.find((each) => each.tool.name === name)?.tool;
      return renderHtmlFinding(finding, tool ? fieldsOf(tool) : [], name);
    })}`;
}

function renderArea(area: string, answered: readonly Answered[], { findings }: HealthAnswer): Html | undefined {
  const within = answered.filter(({ tool }) => tool.area === area);
  if (within.length === 0) return undefined;
  return html`<h2 id="area-${area}">${nameOf(area)}</h2>
    ${within.map((each) =>
      renderSection(
        each,
        findings.some(({ tool }) => tool === each.tool.name),
      ),
    )}`;
}

function renderGaps({ not_examined: gaps = [], skipped }: HealthAnswer): Html | undefined {
  if (gaps.length + skipped.length === 0) return undefined;
  const leftOut = skipped.map(({ tools, reason, remedy }) => ({
    what: tools.join(', '),
    reason,
    ...(remedy !== undefined && { remedy }),
  }));
  return html`<h2>Not examined</h2>
    <ul class="gaps">
      ${[...gaps, ...leftOut].map(renderGap)}
    </ul>`;
}

function renderFoot({ tookMs, howdah }: Report): Html {
  return html`<footer>
    Made by Howdah ${howdah} in ${formatQuantity(tookMs, 'ms')}. Every statement ran in a read-only transaction that was
    rolled back. Constants in statements are masked.
  </footer>`;
}

/** `logical_replication` reads as two words. */
function nameOf(area: string): string {
  const words = area.replaceAll('_', ' ');
  return words === 'wal' || words === 'io' ? words.toUpperCase() : words.replace(/^./, (first) => first.toUpperCase());
}
