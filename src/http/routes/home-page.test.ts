import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import { HOME_CSP, renderHomePage, renderHomeText, type Home } from './home-page.ts';

const home: Home = { endpoint: 'https://mcp.example.org/mcp', needsKey: true, findings: [] };

it('allows its own style and nothing else', () => {
  const style = /<style>([^]*)<\/style>/.exec(renderHomePage(home))?.[1] ?? '';
  expect(HOME_CSP).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`);
  expect(renderHomePage(home)).not.toMatch(/<script|style=|src=|href=|@import|url\(/);
});

it('writes what it is given as text', () => {
  const hostile = '<img src=x onerror=alert(1)>"\'&';
  const page = renderHomePage({
    ...home,
    endpoint: `https://${hostile}/mcp`,
    findings: [{ severity: 'critical', claim: hostile, evidence: {}, next_step: hostile }],
  });
  expect(page).not.toContain('<img');
  expect(page.split('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;').length).toBeGreaterThan(3);
});

it('shows how to connect with a key, and without one where none is needed', () => {
  const command = 'claude mcp add --transport http howdah https://mcp.example.org/mcp';
  expect(renderHomeText(home)).toContain(`${command} \\\n    --header "Authorization: Bearer <API key>"`);
  const open = renderHomeText({ ...home, needsKey: false });
  expect(open).toContain(`${command}\n`);
  expect(open).not.toContain('Authorization');
});

it('shows findings when there are some', () => {
  const finding = {
    severity: 'warning' as const,
    claim: 'An index is unused.',
    evidence: {},
    next_step: 'DROP INDEX i;',
  };
  expect(renderHomeText({ ...home, findings: [finding] })).toContain(
    '  warning: An index is unused.\n    DROP INDEX i;',
  );
  expect(renderHomeText(home)).not.toContain('What it sees now');
});
