/** `npm run bench`: the pipeline against a bare driver, and the start of the process, all on this machine and in one run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stdout } from 'node:process';
import pg from 'pg';
import { executeCall } from '../src/calls/execute.ts';
import { loadConfig } from '../src/config/load.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { createPlatform } from '../src/platform.ts';
import { startEmbedded } from '../src/postgres/embedded.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { tools } from '../src/tools/catalog.gen.ts';
import { interleave, report } from './ratio.ts';
import { measureStdio } from './stdio-start.ts';

const ROUNDS = 3000;
/** A caller without limits, so that the figures are not of the limits. */
const UNLIMITED = {
  bench: PersonaSpec.parse({
    tools: { allow: ['*'] },
    limits: { calls_per_minute: 1_000_000_000, concurrent: 1000 },
  }),
};

const stateDir = mkdtempSync(join(tmpdir(), 'howdah-bench-'));
const env = { HOWDAH_STATE: stateDir };
const embedded = await startEmbedded({ stateDir, name: 'bench' });
try {
  stdout.write(`Node ${process.version}, PostgreSQL 18 by its Unix socket\n\n`);
  stdout.write(`A diagnostic through the pipeline, audited durably, against the same SQL in a prepared statement\n`);
  stdout.write(`${report(await benchPipeline(embedded.url))}\n\n`);
  stdout.write(`howdah stdio, from spawn\n${await measureStdio(embedded.url, stateDir)}\n`);
} finally {
  await embedded.stop();
  rmSync(stateDir, { recursive: true, force: true });
}

async function benchPipeline(url: string) {
  const { config } = await loadConfig({ url, env });
  const platform = await createPlatform({
    config: { ...config, personas: UNLIMITED },
    env,
    logger: createLogger('error'),
    version: 'bench',
  });
  const client = new pg.Client(url);
  await client.connect();
  await client.query('set search_path = pg_catalog');
  const tool = tools.find(({ name }) => name === 'unused_indexes');
  const { text = '', params = [] } = tool?.statements.at(-1) ?? {};
  const inputs: Record<string, unknown> = { ...tool?.input.parse({}), limit: 51, estimate_sizes: false };
  const values = params.map((name) => inputs[name] ?? null);
  const call = async () => {
    const outcome = await executeCall(
      {
        catalog: platform.catalog,
        name: 'unused_indexes',
        arguments: {},
        principal: localPrincipal('bench', 'bench'),
        origin: { transport: 'cli' },
        signal: new AbortController().signal,
      },
      platform.deps,
    );
    if (!outcome.ok) throw outcome.error;
  };
  try {
    return await interleave(
      { 'bare pg, prepared': () => client.query({ name: 'bench', text, values }), 'Howdah, whole pipeline': call },
      { rounds: ROUNDS, warmUp: 500 },
    );
  } finally {
    await client.end();
    await platform.close();
  }
}
