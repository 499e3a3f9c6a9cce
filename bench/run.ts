/**
 * `npm run bench`: Howdah against what else there is and against what the machine can do, all in one run. Writes
 * bench/results/latest.json, which docs/performance.md is made of; `--quick` shows the way in half a minute and writes
 * nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import pg from 'pg';
import { performanceReport } from '../scripts/performance.ts';
import { startEmbedded } from '../src/postgres/embedded.ts';
import { HUNDRED_TABLES, SHOP } from './diagnostic.ts';
import { measureGuard } from './guard.ts';
import { prepareHttpBench } from './http.ts';
import { measureKeyCheck } from './key-check.ts';
import { measureTokenCheck } from './token-check.ts';
import { describeMachine } from './machine.ts';
import { measurePipeline } from './pipeline.ts';
import { measurePolicyDecision } from './policy-decision.ts';
import type { Results } from './results.ts';
import { measureStdio } from './stdio-start.ts';

const RESULTS = new URL('results/latest.json', import.meta.url);
const CONNECTIONS = 16;
const AUDITED_CONNECTIONS = [16, 64];

const quick = argv.includes('--quick');
const plan = {
  connections: CONNECTIONS,
  ...(quick ? { rounds: 2, secondsPerRound: 2 } : { rounds: 5, secondsPerRound: 4 }),
};
const stateDir = mkdtempSync(join(tmpdir(), 'howdah-bench-'));
const embedded = await startEmbedded({ stateDir, name: 'bench' });
try {
  const results = await measure(embedded.url);
  stdout.write(`${performanceReport(results)}\n`);
  if (!quick) writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
} finally {
  await embedded.stop();
  rmSync(stateDir, { recursive: true, force: true });
}

async function measure(url: string): Promise<Results> {
  const client = new pg.Client(url);
  await client.connect();
  const machine = await describeMachine(client);
  const inProcess = { url, stateDir, rounds: quick ? 200 : 1000 };
  const http = await prepareHttpBench(url, join(stateDir, 'http'));
  const empty = await measurePipeline(inProcess);
  await client.query(SHOP);
  const diagnostic = await http.diagnostic(plan);
  const local = await http.local(plan);
  const audit: NonNullable<Results['audit']>[number][] = [];
  for (const connections of AUDITED_CONNECTIONS) {
    audit.push({ connections, contests: await http.audit({ ...plan, connections }) });
  }
  const memory = await http.memory(CONNECTIONS, quick ? [2000, 10_000] : [10_000, 20_000, 50_000]);
  const stdio = await measureStdio(url, stateDir, quick ? 3 : 15);
  await client.query(HUNDRED_TABLES);
  const populated = await measurePipeline(inProcess);
  await client.end();
  return {
    at: new Date().toISOString(),
    quick,
    machine,
    load: plan,
    diagnostic,
    local,
    audit,
    memory,
    keyCheck: measureKeyCheck(quick ? 50 : 500),
    tokenCheck: await measureTokenCheck(quick ? 20 : 200),
    policyDecision: measurePolicyDecision(quick ? 50 : 500),
    guard: await measureGuard(quick ? 100 : 1000),
    pipeline: [
      { tables: 0, ...empty },
      { tables: 101, ...populated },
    ],
    stdio,
  };
}
