/** The pipeline against a bare driver, in one process, one call at a time. */
import pg from 'pg';
import { executeCall } from '../src/calls/execute.ts';
import { loadConfig } from '../src/config/load.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createPlatform, type Platform } from '../src/platform.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { diagnosticStatement } from './diagnostic.ts';
import { interleave, quantile, type Sample } from './ratio.ts';
import type { Ratio, Spread } from './results.ts';

/** A caller without limits, so that the figures are not of the limits. */
const UNLIMITED = {
  bench: PersonaSpec.parse({
    tools: { allow: ['*'] },
    limits: { calls_per_minute: 1_000_000_000, concurrent: 1000 },
  }),
};

export interface PipelineParts {
  readonly url: string;
  readonly stateDir: string;
  readonly rounds: number;
}

/** One diagnostic through all of the pipeline, audited durably, against its SQL in a prepared statement. */
export async function measurePipeline({ url, stateDir, rounds }: PipelineParts): Promise<Ratio> {
  const env = { HOWDAH_STATE: stateDir };
  const { config } = await loadConfig({ url, env });
  const logger = createLogger('error');
  const platform = await createPlatform({ config: { ...config, personas: UNLIMITED }, env, logger, version: 'bench' });
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query('set search_path = pg_catalog; set jit = off');
    const { tool, text, values } = diagnosticStatement();
    const samples = await interleave(
      {
        bare: () => client.query({ name: 'bench', text, values: [...values] }),
        howdah: () => callOnce(platform, tool),
      },
      { rounds, warmUp: rounds / 5 },
    );
    return ratioOf(samples);
  } finally {
    await client.end();
    await platform.close();
  }
}

async function callOnce({ catalog, deps }: Platform, name: string): Promise<void> {
  const outcome = await executeCall(
    {
      catalog,
      name,
      arguments: {},
      principal: localPrincipal('bench', 'bench'),
      origin: { transport: 'cli' },
      signal: new AbortController().signal,
    },
    deps,
  );
  if (!outcome.ok) throw outcome.error;
}

function ratioOf([bare, howdah]: readonly Sample[]): Ratio {
  if (!bare || !howdah) throw new Error('nothing was measured');
  return { bareMs: spreadOfMany(bare), howdahMs: spreadOfMany(howdah) };
}

/** Without the tenth at either end: one pause of the machine would say nothing. */
function spreadOfMany(sample: Sample): Spread {
  return { median: quantile(sample, 0.5), low: quantile(sample, 0.1), high: quantile(sample, 0.9) };
}
