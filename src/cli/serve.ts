import { mayAnyoneCall, NOBODY } from '../config/auth-checks.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createConfigError } from '../config/problem.ts';
import { contactServers } from '../mcp/first-contact.ts';
import { createPlatform, type Platform } from '../platform.ts';
import { createLogger } from '../telemetry/logger.ts';
import type { Hangups } from './hangups.ts';
import type { Shell } from './shell.ts';
import { readVersion } from './version.ts';

/** Serves over HTTP until the process is told to end, and then lets requests under way finish; reads again at hangups. */
export async function serve({ env, screen, signal, config: path }: Shell, hangups: Hangups): Promise<number> {
  const load = () => loadConfig({ path, env });
  const { config, warnings, source } = await load();
  requireCallers(config, source);
  for (const warning of warnings) screen.note(`warning: ${warning}`);
  if (Object.keys(config.servers).length === 0) screen.note('warning: no PostgreSQL server is configured.');
  const version = readVersion();
  const logger = createLogger(config.telemetry.log_level);
  const platform = await createPlatform({ config, env, logger, version, embeddedStore: 'made' });
  hangups.onHangup(() => void readAgain(platform, load, screen));
  try {
    if (signal.aborted) return 0;
    const { url, metricsUrl } = await platform.openHttp();
    screen.note(`howdah ${version} is ready: ${url}/mcp (${describe(config, metricsUrl)}, process ${process.pid})`);
    void contactServers(platform.deps.fleet.servers, signal);
    await ended(signal);
    screen.note('Ending: no new connections; requests under way finish.');
    return 0;
  } finally {
    await platform.close();
    hangups.onHangup(() => undefined);
  }
}

/** A server that nobody may call is a slip of the pen, not a wish. */
function requireCallers({ auth }: Config, source: string): void {
  if (mayAnyoneCall(auth)) return;
  throw createConfigError(source === 'nothing' ? 'the configuration' : source, [{ path: 'auth', message: NOBODY }]);
}

async function readAgain({ reload }: Platform, load: () => Promise<LoadedConfig>, screen: Shell['screen']) {
  const changes = await reload(async () => {
    const loaded = await load();
    if (mayAnyoneCall(loaded.config.auth)) return loaded;
    // that is how everyone is shut out in an emergency; the next start is refused
    return { ...loaded, warnings: [...new Set([...loaded.warnings, `auth ${NOBODY}.`])] };
  });
  if (changes === undefined) return screen.note('Read again: nothing is taken over, since the file has a problem.');
  const { live, atRestart } = changes;
  screen.note(`Read again: ${live.join(', ') || 'nothing'} changed.`);
  if (atRestart.length > 0) screen.note(`What counts at the next start: ${atRestart.join(', ')}.`);
}

function describe({ servers, auth }: Config, metricsUrl: string | undefined): string {
  return [
    count(Object.keys(servers).length, 'server'),
    count(auth.api_keys.length, 'key'),
    ...(auth.oidc.length > 0 ? [count(auth.oidc.length, 'issuer')] : []),
    ...(auth.anonymous ? [`anonymous callers as ${auth.anonymous.persona}`] : []),
    metricsUrl === undefined ? 'no metrics' : `metrics ${metricsUrl}`,
  ].join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
