import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execPath } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const STARTS = 15;

/** Spawn to `initialize` answered, spawn to the first answer of a tool, and the resident memory of the idle process. */
export async function measureStdio(url: string, stateDir: string): Promise<string> {
  const starts: Start[] = [];
  for (let i = 0; i < STARTS; i++) starts.push(await startOnce(url, stateDir));
  const line = (name: string, unit: string, pick: (start: Start) => number) => {
    const values = starts.map(pick).toSorted((a, b) => a - b);
    const [low = 0, middle = 0, high = 0] = [values[0], values[Math.floor(values.length / 2)], values.at(-1)];
    return `${name.padEnd(44)} ${middle.toFixed(0)} ${unit} (${low.toFixed(0)}–${high.toFixed(0)})`;
  };
  return [
    line('initialize answered', 'ms', ({ initializedMs }) => initializedMs),
    line('first rows of unused_indexes', 'ms', ({ answeredMs }) => answeredMs),
    line('resident memory after a second idle', 'MB', ({ residentMb }) => residentMb),
  ].join('\n');
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
