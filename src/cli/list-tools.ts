import type { Operation } from '../calls/operation.ts';
import type { ToolInfo } from '../contract/tool-info.ts';
import type { Decision } from '../policy/policy.ts';
import { padEnd } from '../render/text-width.ts';
import { AREAS } from '../tools/kit/tool.ts';
import { withHowdah } from './local-howdah.ts';
import type { Screen } from './screen.ts';
import type { Shell } from './shell.ts';

export async function listTools(shell: Shell): Promise<number> {
  const tools = await withHowdah(shell, {}, ({ platform: { catalog, config, deps }, persona }) => {
    const operations = catalog.operations.filter(({ kind, forward }) => kind === 'tool' && !forward);
    const hasServers = deps.fleet.servers.length > 0;
    return Promise.resolve(
      operations.map((tool) =>
        describeTool(
          tool,
          persona?.operation(tool) ?? { allowed: false, rule: `no persona is for the role "${config.stdio.persona}"` },
          hasServers,
        ),
      ),
    );
  });
  if (shell.json) shell.screen.printJson({ tools });
  else printTools(tools, shell.screen);
  return 0;
}

function describeTool(tool: Operation, decision: Decision, hasServers: boolean): ToolInfo {
  const { name, area, accessClass, title, reaches } = tool;
  const reason = !decision.allowed
    ? decision.rule
    : reaches === 'server' && !hasServers
      ? 'no PostgreSQL server is configured; set DATABASE_URL'
      : null;
  return { name, area, class: accessClass, title, callable: reason === null, reason };
}

function printTools(tools: readonly ToolInfo[], { print, palette }: Screen): void {
  const width = Math.max(0, ...tools.map(({ name }) => name.length));
  const callable = tools.filter((tool) => tool.callable);
  for (const area of AREAS) {
    const within = callable.filter((tool) => tool.area === area);
    if (within.length > 0) print(palette.bold(area));
    for (const { name, title } of within) print(`  ${padEnd(name, width)}  ${title}`);
  }
  const withheld = tools.filter((tool) => !tool.callable);
  for (const reason of new Set(withheld.map((tool) => tool.reason))) {
    print(palette.bold(`not callable: ${reason}`));
    for (const tool of withheld) {
      if (tool.reason === reason) print(`  ${padEnd(tool.name, width)}  ${palette.dim(tool.title)}`);
    }
  }
}
