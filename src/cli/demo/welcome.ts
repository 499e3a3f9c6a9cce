import { argv, cwd } from 'node:process';
import { relative } from 'node:path';
import { renderGroup } from '../check/render-checkup.ts';
import type { Screen } from '../screen.ts';
import type { DemoConfig } from './demo-config.ts';
import { withServer, type FleetFindings } from './worst-findings.ts';

const PAGE_WIDTH = 110;
const SHOWN = 3;

/** The worst findings, each under the name of its server. */
export function renderWorst(found: readonly FleetFindings[], { palette, width = PAGE_WIDTH }: Screen): string {
  const shown = found.slice(0, SHOWN).map(({ server, ...group }) => {
    const findings = group.findings.slice(0, 1).map((finding) => withServer(server, finding));
    return renderGroup({ ...group, findings }, { palette, width, all: false }).join('\n');
  });
  const rest = found.length - shown.length;
  return [
    palette.bold(`The ${shown.length} worst of ${found.length} kinds of problem in the fleet:`),
    ...shown,
    ...(rest > 0 ? [palette.dim(`… and ${rest} more: ask your assistant, or howdah check.`)] : []),
  ].join('\n\n');
}

/** The ready line, the key, and how to go on. */
export function renderReady(url: string, { key, path }: DemoConfig, { palette }: Screen): string {
  const mcp = `${url}/mcp`;
  const howdah = `node ${relative(cwd(), argv[1] ?? 'dist/main.js')}`;
  const bearer = `"Authorization: Bearer ${key}"`;
  const request = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"blocking_tree","arguments":{}}}';
  const ways = [
    ['Key', key],
    ['Claude Code', `claude mcp add --transport http howdah ${mcp} --header ${bearer}`],
    ['Other clients', `${howdah} connect cursor --url ${mcp}`],
    [
      'curl',
      `curl -s ${mcp} -H ${bearer} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '${request}'`,
    ],
    ['Command line', `${howdah} check -c ${path} --server warehouse`],
    ['In a browser', url],
  ];
  return [
    palette.bold(`Howdah is ready on ${mcp}`),
    '',
    ...ways.map(([label = '', text]) => `${palette.dim(label.padEnd(15))}${text}`),
    '',
    'Ctrl-C stops it and its three PostgreSQL servers; another start takes a moment and finds the same data.',
  ].join('\n');
}
