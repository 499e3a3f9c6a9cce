import { setTimeout as sleep } from 'node:timers/promises';
import { ERROR_CODES } from '../../core/errors.ts';
import { stateDirectory } from '../../core/state-directory.ts';
import { startEmbedded, type EmbeddedServer } from '../../postgres/embedded.ts';
import { parseTarget } from '../../postgres/target.ts';
import { formatQuantity } from '../../render/quantity.ts';
import { runCheck } from '../check/run-check.ts';
import type { Shell } from '../shell.ts';
import { MONITOR, openShop, SHOP_DATABASE, type ShopServer } from './open-shop.ts';

/** What pg_stat_statements and the timings of reads need. */
const SETTINGS = { track_io_timing: 'on' };

/** Long enough for the customers who wait to be worth a finding. */
const HELD_UP_MS = 1200;

/** Starts a server with a shop, checks it, says how to go on, and stops everything. */
export async function runDemo(shell: Shell): Promise<number> {
  const { screen, signal, env } = shell;
  const started = performance.now();
  const stateDir = stateDirectory(env);
  screen.note('Starting a PostgreSQL of its own …');
  const server = await startEmbedded({ stateDir, name: 'demo', settings: SETTINGS, preload: ['pg_stat_statements'] });
  try {
    if (signal.aborted) return ERROR_CODES.CANCELLED.exit;
    const address = addressOf(server);
    screen.note('Opening a shop, with customers and with the mistakes of a few years …');
    const shop = await openShop(address);
    try {
      await sleep(HELD_UP_MS);
      screen.note(`Open after ${formatQuantity(performance.now() - started, 'ms')}; howdah check finds:\n`);
      await runCheck(
        { ...shell, config: undefined, env: { HOWDAH_STATE: stateDir } },
        { url: urlOf(address), all: false },
      );
    } finally {
      await shop.close();
    }
  } finally {
    await server.stop();
  }
  screen.note(
    [
      '',
      `The demo is over and its server stopped; what it wrote is in ${stateDir}.`,
      '',
      'Your own server:   DATABASE_URL=postgresql://monitor@db.example.org/shop howdah check',
      'Your assistant:    howdah connect      (Claude, Cursor, VS Code, Codex, Gemini, Windsurf, Zed)',
    ].join('\n'),
  );
  return 0;
}

function addressOf({ url }: EmbeddedServer): ShopServer {
  const [address] = parseTarget(url, { env: {} }).hosts;
  if (address === undefined) throw new Error('the embedded server has no address');
  return address;
}

function urlOf({ host, port }: ShopServer): string {
  return `postgresql://${MONITOR}@/${SHOP_DATABASE}?host=${encodeURIComponent(host)}&port=${port}`;
}
