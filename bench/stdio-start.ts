import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execPath } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spreadOf } from './ratio.ts';
import type { Results } from './results.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Spawn to `initialize` answered, spawn to the first answer of a tool, and the resident memory of the idle process. */
export async function measureStdio(url: string, stateDir: string, count: number): Promise<Results['stdio']> {
  const starts: Start[] = [];
  for (let i = 0; i < count; i++) starts.push(await startOnce(url, stateDir));
  return {
    initializedMs: spreadOf(starts.map(({ initializedMs }) => initializedMs)),
    answeredMs: spreadOf(starts.map(({ answeredMs }) => answeredMs)),
    residentMb: spreadOf(starts.map(({ residentMb }) => residentMb)),
  };
}

interface Start {
  readonly initializedMs: number;
  readonly answeredMs: number;
  readonly residentMb: number;
}

async function startOnce(url: string, stateDir: string): Promise<Start> {
  const began = performance.now();
  const env = { DATABASE_URL: url, HOWDAH_STATE: stateDir };
  const server = spawn(execPath, [MAIN, 'stdio'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const request = async (message: object) => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const { value } = await lines.next();
    if (!String(value).includes('"result"')) throw new Error(`howdah stdio answered ${value}`);
    return performance.now() - began;
  };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '0' } };
  const initializedMs = await request({ id: 1, method: 'initialize', params });
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  const answeredMs = await request({ id: 2, method: 'tools/call', params: { name: 'unused_indexes', arguments: {} } });
  await sleep(1000);
  const residentMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  server.stdin.end();
  await exited;
  return { initializedMs, answeredMs, residentMb };
}
