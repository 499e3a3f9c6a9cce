import { setMaxListeners } from 'node:events';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../../core/errors.ts';
import { stateDirectory } from '../../core/state-directory.ts';
import { runCheck } from '../check/run-check.ts';
import { withHowdah } from '../local-howdah.ts';
import type { Shell } from '../shell.ts';
import { writeDemoConfig, type DemoConfig } from './demo-config.ts';
import { openFleet } from './demo-fleet.ts';
import { chooseListen, readPort } from './demo-port.ts';
import { playScenes } from './scene.ts';
import { pause } from './session.ts';
import { renderReady, renderWorst } from './welcome.ts';
import { workloadOf } from './workload.ts';
import { listFindings, watchFindings, withServer } from './worst-findings.ts';

export interface DemoRequest {
  /** Check the shop and stop, instead of serving. */
  readonly once: boolean;
  readonly port: string | undefined;
}

/** Long enough for the customers who wait to be worth a finding. */
const HELD_UP_MS = 1300;

/** Opens the fleet, serves it until the process is told to end, and stops everything that it started. */
export async function runDemo(shell: Shell, request: DemoRequest): Promise<number> {
  const hungUp = new AbortController();
  const hangUp = () => hungUp.abort();
  process.on('SIGHUP', hangUp); // the terminal was closed
  const signal = AbortSignal.any([shell.signal, hungUp.signal]);
  setMaxListeners(50, signal); // each session that makes the data is one
  const stateDir = await realpath(stateDirectory(shell.env));
  const env = { HOWDAH_STATE: stateDir, HOME: shell.env['HOME'] };
  try {
    return await openAndPlay({ ...shell, env, signal, config: undefined }, stateDir, request);
  } catch (error) {
    // whatever was going on failed because of it
    if (signal.aborted) throw new PlatformError('CANCELLED', 'The demo was told to end.', { cause: error });
    throw error;
  } finally {
    process.off('SIGHUP', hangUp);
  }
}

async function openAndPlay(shell: Shell, stateDir: string, { once, port }: DemoRequest): Promise<number> {
  const { screen, signal } = shell;
  const wanted = port === undefined ? undefined : readPort(port);
  screen.note('Opening a shop, its standby and its warehouse: three PostgreSQL servers …');
  const onProgress = (line: string) => screen.note(`  ${line}`);
  const fleet = await openFleet({ stateDir, signal, onProgress });
  try {
    const play = playScenes(workloadOf(fleet));
    try {
      const heldUp = pause(HELD_UP_MS, signal);
      heldUp.catch(() => undefined); // whoever waits for it hears of a stop
      const listen = await chooseListen(once ? 0 : wanted, screen.note);
      const config = await writeDemoConfig(join(stateDir, 'demo'), fleet, listen);
      const configured = { ...shell, config: config.path };
      if (!once) return await serve(configured, { ...config, heldUp });
      await heldUp;
      return await runCheck(configured, { server: 'shop', all: false });
    } finally {
      await play.stop();
    }
  } finally {
    await fleet.stop();
    screen.note(`\nThe demo is over and its servers are stopped; their data is in ${join(stateDir, 'demo')}.`);
  }
}

/** `heldUp` resolves when somebody has waited long enough at the checkout. */
async function serve(shell: Shell, demo: DemoConfig & { readonly heldUp: Promise<void> }): Promise<number> {
  const { screen, json, signal } = shell;
  const { key, path, heldUp } = demo;
  return withHowdah(shell, { embeddedStore: 'made' }, async (howdah) => {
    const servers = howdah.platform.deps.fleet.servers.map(({ name }) => name);
    const findings = await watchFindings(howdah, servers, heldUp);
    const home = () => listFindings(findings.now()).map((finding) => withServer(finding.server, finding));
    const { url } = await howdah.platform.openHttp({ home });
    if (json) screen.printJson({ url, key, config: path, findings: listFindings(findings.now()) });
    else screen.print(`\n${renderWorst(findings.now(), screen)}\n\n${renderReady(url, demo, screen)}`);
    await untilAborted(signal);
    return 0;
  });
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
