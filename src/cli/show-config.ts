import { stringify } from 'yaml';
import { configJsonSchema, configKeys } from '../config/key.ts';
import { loadConfig } from '../config/load.ts';
import { checkOnServers, checkPlatform } from '../check-platform.ts';
import { renderTable } from '../render/table.ts';
import { withHowdah } from './local-howdah.ts';
import type { Shell } from './shell.ts';

/** Prints what a configuration amounts to; fails with CONFIG_INVALID, which has every problem. */
export async function checkConfig(
  { config: named, env, screen, json, signal }: Shell,
  file: string | undefined,
  { connect = false }: { readonly connect?: boolean } = {},
): Promise<number> {
  const { config, source, warnings: found } = await loadConfig({ path: file ?? named, env });
  const warnings = [...found, ...(await checkPlatform({ config, env }))];
  if (connect) warnings.push(...(await checkOnServers({ config, env, source, signal })));
  const servers = Object.keys(config.servers);
  if (json) screen.printJson({ ok: true, source, servers, warnings });
  else {
    for (const warning of warnings) screen.print(`warning: ${warning}`);
    const verdict =
      source === 'nothing' ? 'No configuration: set DATABASE_URL or name a file.' : `${source} can be used.`;
    screen.print(`${verdict} Servers: ${servers.join(', ') || 'none'}.`);
  }
  return 0;
}

export async function showConfiguration(shell: Shell): Promise<number> {
  return withHowdah(shell, {}, async ({ administer }) => {
    const outcome = await administer({ name: 'config_show', arguments: {} });
    if (!outcome.ok) throw outcome.error;
    const { config } = outcome.output;
    if (shell.json) shell.screen.printJson(config);
    else shell.screen.print(stringify(config).trimEnd());
    return 0;
  });
}

export function showSchema({ screen, json }: Shell): number {
  if (json) screen.printJson(configJsonSchema());
  else {
    const fields = ['path', 'type', 'default', 'description'].map((key) => {
      return { key, unit: undefined, numeric: false, time: false, fields: [] };
    });
    for (const line of renderTable(fields, configKeys(), { width: screen.width, palette: screen.palette }))
      screen.print(line);
  }
  return 0;
}
