import { hash } from 'node:crypto';
import type { Finding } from '../../contract/finding.ts';
import { html, toText, trusted, type Html } from '../../render/html.ts';

export interface Home {
  /** The address of MCP. */
  readonly endpoint: string;
  /** Whether a caller without a key is refused. */
  readonly needsKey: boolean;
  readonly findings: readonly Finding[];
}

const WHAT = 'Howdah gives AI assistants governed access to PostgreSQL, over the Model Context Protocol.';
const KEY = '<API key>';
const KEY_HINT = 'An administrator makes a key with `howdah key create`.';

const STYLE = `
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #1d2327; --soft: #5b666e; --line: #dfdcd6; --accent: #1f6f5c; --critical: #b3261e; --warning: #9a6700; --notice: #2a6ac0; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181a; --card: #1b2124; --ink: #e7e5e1; --soft: #9aa5ab; --line: #30383c; --accent: #63c5ab; --critical: #ff8a80; --warning: #e3b341; --notice: #82b4ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 3.5rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 2.1rem; letter-spacing: -0.02em; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.1rem; }
h3 { margin: 1.25rem 0 0.4rem; font-size: 0.9rem; font-weight: 600; color: var(--soft); }
p { margin: 0.5rem 0; }
.what { font-size: 1.1rem; color: var(--soft); }
pre { margin: 0; padding: 0.8rem 1rem; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
code { font: 0.875rem/1.5 ui-monospace, monospace; }
.endpoint { border-left: 3px solid var(--accent); }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: 0.7rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
li + li { margin-top: 0.5rem; }
.severity { margin-right: 0.5rem; font-size: 0.75rem; font-weight: 700; letter-spacing: 0.04em; text-transform: uppercase; }
.critical { color: var(--critical); } .warning { color: var(--warning); } .notice, .ok { color: var(--notice); }
.next { display: block; margin-top: 0.35rem; color: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; }
`;

/** Nothing is loaded, run, framed or sent anywhere; the page's own style is known by its hash. */
export const HOME_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function renderHomePage(home: Home): string {
  const { endpoint, needsKey, findings } = home;
  return toText(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Howdah</title>
${trusted(`<style>${STYLE}</style>`)}
<main>
<h1>Howdah</h1>
<p class="what">${WHAT}</p>
<h2>Endpoint</h2>
<pre class="endpoint"><code>${endpoint}</code></pre>
<h2>Connect a client</h2>
${needsKey && html`<p>${withCode(KEY_HINT)}</p>`}
${snippets(home).map(([title, text]) => html`<h3>${title}</h3>\n<pre><code>${text}</code></pre>\n`)}
${findings.length > 0 && html`<h2>What it sees now</h2>\n<ul>\n${findings.map(renderFinding)}</ul>`}
</main>
</html>
`);
}

/** What stands between backticks is code. */
function withCode(text: string): Html[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

export function renderHomeText(home: Home): string {
  const findings = home.findings.map(({ severity, claim, next_step: next }) =>
    indent([`${severity}: ${claim}`, ...(next === undefined ? [] : [indent(next)])].join('\n')),
  );
  return [
    `${WHAT}\n\nEndpoint: ${home.endpoint}`,
    ...(home.needsKey ? [KEY_HINT.replaceAll('`', '')] : []),
    ...snippets(home).map(([title, text]) => `${title}:\n\n${indent(text)}`),
    ...(findings.length === 0 ? [] : [`What it sees now:\n\n${findings.join('\n\n')}`]),
  ]
    .join('\n\n')
    .concat('\n');
}

function renderFinding({ severity, claim, next_step: next }: Finding): Html {
  const step = next !== undefined && html`<code class="next">${next}</code>`;
  return html`<li><span class="severity ${severity}">${severity}</span>${claim}${step}</li>\n`;
}

/** How each client is told of a server with a header: the pages of its documentation are named beside it. */
function snippets({ endpoint, needsKey }: Home): readonly (readonly [title: string, text: string])[] {
  const headers = needsKey ? { headers: { Authorization: `Bearer ${KEY}` } } : {};
  const entry = { url: endpoint, ...headers };
  const flag = needsKey ? ` \\\n  --header "Authorization: Bearer ${KEY}"` : '';
  return [
    // https://code.claude.com/docs/en/mcp
    ['Claude Code', `claude mcp add --transport http howdah ${endpoint}${flag}`],
    // https://cursor.com/docs/context/mcp
    ['Cursor, .cursor/mcp.json', JSON.stringify({ mcpServers: { howdah: entry } }, null, 2)],
    // https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
    ['VS Code, .vscode/mcp.json', JSON.stringify({ servers: { howdah: { type: 'http', ...entry } } }, null, 2)],
  ];
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
