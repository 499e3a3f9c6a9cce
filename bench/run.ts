/** `npm run bench`: the pipeline against a bare driver, and the start of the process, all on this machine and in one run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stdout } from 'node:process';
import pg from 'pg';
import { executeCall } from '../src/calls/execute.ts';
import { loadConfig } from '../src/config/load.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createPlatform, type Platform } from '../src/platform.ts';
import { startEmbedded } from '../src/postgres/embedded.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { tools } from '../src/tools/catalog.gen.ts';
import { interleave, report } from './ratio.ts';
import { measureStdio } from './stdio-start.ts';

/** A caller without limits, so that the figures are not of the limits. */
const UNLIMITED = {
  bench: PersonaSpec.parse({
    tools: { allow: ['*'] },
    limits: { calls_per_minute: 1_000_000_000, concurrent: 1000 },
  }),
};
/** As many tables as an application of some size has, with two indexes beside the primary key. */
const TABLES = `
  do $$ begin
    for i in 1..100 loop
      execute format('create table t%s (id int primary key, a int, b text)', i);
      execute format('create index on t%s (a)', i);
      execute format('create index on t%s (b)', i);
    end loop;
  end $$`;

const stateDir = mkdtempSync(join(tmpdir(), 'howdah-bench-'));
const env = { HOWDAH_STATE: stateDir };
const embedded = await startEmbedded({ stateDir, name: 'bench' });
try {
  const { config } = await loadConfig({ url: embedded.url, env });
  const logger = createLogger('error');
  const platform = await createPlatform({ config: { ...config, personas: UNLIMITED }, env, logger, version: 'bench' });
  const client = new pg.Client(embedded.url);
  await client.connect();
  stdout.write(`Node ${process.version}, PostgreSQL 18 by its Unix socket, one call at a time\n\n`);
  stdout.write('unused_indexes through the pipeline, audited durably, against the same SQL in a prepared statement\n');
  stdout.write(`in an empty database\n${await compare(platform, client, 2000)}\n`);
  await client.query(TABLES);
  stdout.write(`with 100 tables\n${await compare(platform, client, 500)}\n\n`);
  await client.end();
  await platform.close();
  stdout.write(`howdah stdio, from spawn\n${await measureStdio(embedded.url, stateDir)}\n`);
} finally {
  await embedded.stop();
  rmSync(stateDir, { recursive: true, force: true });
}

async function compare(platform: Platform, client: pg.Client, rounds: number): Promise<string> {
  const tool = tools.find(({ name }) => name === 'unused_indexes');
  const { text = '', params = [] } = tool?.statements.at(-1) ?? {};
  const inputs: Record<string, unknown> = { ...tool?.input.parse({}), limit: 51, estimate_sizes: false };
  const values = params.map((name) => inputs[name] ?? null);
  await client.query('set search_path = pg_catalog; set jit = off');
  const samples = await interleave(
    {
      'bare pg, prepared': () => client.query({ name: 'bench', text, values }),
      'Howdah, whole pipeline': () => callOnce(platform),
    },
    { rounds, warmUp: rounds / 5 },
  );
  await client.query('reset search_path');
  return report(samples);
}

async function callOnce({ catalog, deps }: Platform): Promise<void> {
  const outcome = await executeCall(
    {
      catalog,
      name: 'unused_indexes',
      arguments: {},
      principal: localPrincipal('bench', 'bench'),
      origin: { transport: 'cli' },
      signal: new AbortController().signal,
    },
    deps,
  );
  if (!outcome.ok) throw outcome.error;
}
