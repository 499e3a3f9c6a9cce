/** `howdah serve` against other servers over HTTP, and its memory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createApiKey } from '../src/identity/api-key.ts';
import { compete, type ContestPlan } from './contest.ts';
import { diagnosticStatement } from './diagnostic.ts';
import { putLoad } from './load.ts';
import { toolRequest } from './request.ts';
import type { Contest, Results } from './results.ts';
import { startServer, type ServerProcess } from './server-process.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/bench/', import.meta.url));
/** It asks no server, and has all else that a call has. */
const LOCAL_TOOL = 'list_servers';

export interface HttpBench {
  /** A diagnostic of one row, by Howdah, the official SDK and bare node:http. */
  diagnostic(plan: ContestPlan): Promise<Contest[]>;
  /** A tool that asks no server, by Howdah and by bare node:http with the same answer. */
  local(plan: ContestPlan): Promise<Contest[]>;
  /** A diagnostic of one row, with the audit log in a file and in the store. */
  audit(plan: ContestPlan): Promise<Contest[]>;
  /** What a fresh Howdah takes after each number of calls. */
  memory(connections: number, calls: readonly number[]): Promise<Results['memory']>;
}

export async function prepareHttpBench(url: string, directory: string): Promise<HttpBench> {
  await compileContestants();
  mkdirSync(directory, { recursive: true });
  const statement = join(directory, 'statement.json');
  const answer = join(directory, 'answer.json');
  const { tool } = diagnosticStatement();
  writeFileSync(statement, JSON.stringify(diagnosticStatement()));
  const database = { BENCH_URL: url, BENCH_STATEMENT: statement };

  return {
    diagnostic: (plan) =>
      withServers(
        [
          startHowdah(url, directory),
          startContestant('MCP SDK 2', 'stock-sdk', database),
          startContestant('MCP SDK 2, prepared statement', 'stock-sdk', { ...database, BENCH_PREPARED: '1' }),
          startContestant('node:http, prepared statement', 'raw-http', database),
        ],
        (servers) => compete(servers, toolRequest(tool), plan),
      ),
    local: async (plan) => {
      await withServers([startHowdah(url, directory)], async ([howdah]) => writeFileSync(answer, await ask(howdah)));
      return withServers(
        [startHowdah(url, directory), startContestant('node:http, same answer', 'raw-http', { BENCH_ANSWER: answer })],
        (servers) => compete(servers, toolRequest(LOCAL_TOOL), plan),
      );
    },
    audit: (plan) =>
      withServers([startHowdah(url, directory), startHowdah(url, join(directory, 'stored'), 'store')], (servers) =>
        compete(servers, toolRequest(tool), plan),
      ),
    memory: (connections, calls) =>
      withServers([startHowdah(url, directory)], async ([howdah]) => {
        const figures: Results['memory'][number][] = [];
        for (const [i, count] of calls.entries()) {
          await putLoad(howdah, toolRequest(tool), { connections, amount: count - (calls[i - 1] ?? 0) });
          figures.push({ calls: count, residentMb: howdah.residentMb() });
        }
        return figures;
      }),
  };
}

function startContestant(name: string, file: string, env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  return startServer({ name, args: [`${COMPILED}${file}.js`], env });
}

/** As it ships, with a key, its audit log in files or in its own PostgreSQL, and limits that are no limits here. */
function startHowdah(url: string, directory: string, audit: 'file' | 'store' = 'file'): Promise<ServerProcess> {
  mkdirSync(directory, { recursive: true });
  const { key, id, hash } = createApiKey();
  const limits = { calls_per_minute: 1_000_000_000, concurrent: 1000 };
  const config = join(directory, `${id}.yaml`);
  const settings = {
    http: { listen: '127.0.0.1:0', requests_per_minute: 1_000_000_000 },
    servers: { bench: { url, connections: 16 } },
    personas: { bench: { tools: { allow: ['*'] }, limits } },
    auth: { api_keys: [{ id, hash, roles: ['bench'] }] },
    audit: { directory: join(directory, 'audit') },
    store: { embedded: audit === 'store' },
    telemetry: { metrics: { listen: '127.0.0.1:0' } },
  };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  return startServer({
    name: audit === 'store' ? 'Howdah, audit log in its store' : 'Howdah',
    args: [MAIN, 'serve', '-c', config],
    env: { HOWDAH_STATE: directory },
    headers: { authorization: `Bearer ${key}` },
  });
}

async function ask({ url, headers }: ServerProcess): Promise<string> {
  const request = toolRequest(LOCAL_TOOL);
  const response = await fetch(url, {
    method: 'POST',
    body: request.body,
    headers: { ...request.headers, ...headers },
  });
  return response.text();
}

/** Stops all of them in the end, those too that started beside one that did not. */
async function withServers<const Starting extends readonly Promise<ServerProcess>[], T>(
  starting: Starting,
  use: (servers: { [Index in keyof Starting]: ServerProcess }) => Promise<T>,
): Promise<T> {
  try {
    return await use(await Promise.all(starting));
  } finally {
    const settled = await Promise.allSettled(starting);
    const started = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    await Promise.all(started.map((server) => server.stop()));
  }
}

/** To plain JavaScript, so that nothing of the tools of development is in what is measured. */
async function compileContestants(): Promise<void> {
  await build({
    entryPoints: ['stock-sdk', 'raw-http'].map((name) =>
      fileURLToPath(new URL(`contestants/${name}.ts`, import.meta.url)),
    ),
    outdir: COMPILED,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
}
