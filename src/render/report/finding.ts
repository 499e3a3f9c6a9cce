import type { Finding, NotExamined } from '../../contract/finding.ts';
import { escapeControl } from '../../sqltext/untrusted-text.ts';
import type { Field } from '../field.ts';
import { html, type Html } from '../html.ts';
import { formatEvidence } from '../finding.ts';

/** One finding; `fields` say in which units its evidence is. */
export function renderHtmlFinding(finding: Finding, fields: readonly Field[], tool?: string): Html {
  const { severity, claim, object, evidence, why, next_step: step } = finding;
  const facts = Object.entries(evidence).filter(([, value]) => value !== null);
  return html`<article class="finding ${severity}">
    <h3><span class="severity">${severity}</span> ${escapeControl(claim)}</h3>
    ${
      (object !== undefined || tool !== undefined) &&
      html`<p class="about">
        ${object !== undefined && html`<code>${escapeControl(object)}</code>`}
        ${tool !== undefined && html`<a href="#${tool}">${tool}</a>`}
      </p>`
    }
    ${
      facts.length > 0 &&
      html`<dl>
        ${facts.map(([key, value]) => {
          const [name, text] = formatEvidence(key, value, fields);
          return html`<div>
            <dt>${name}</dt>
            <dd>${text}</dd>
          </div>`;
        })}
      </dl>`
    }
    ${step !== undefined && html`<pre><code>${visible(step)}</code></pre>`}
    ${why !== undefined && html`<p class="why"><a href="${why}" rel="noreferrer">why it matters</a></p>`}
  </article>`;
}

export function renderGap({ what, reason, remedy }: NotExamined): Html {
  return html`<li>
    <strong>${escapeControl(what)}</strong>: ${escapeControl(reason)}
    ${remedy !== undefined && html`<pre><code>${visible(remedy)}</code></pre>`}
  </li>`;
}

/** Lines stay lines; what else could mislead the eye is written out. */
function visible(text: string): string {
  return text.split('\n').map(escapeControl).join('\n');
}
