/** `howdah serve` as a process under load: told to end in the middle of it, and after many calls. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../src/audit/verify.ts';
import { ENVELOPE, until } from './mcp-session.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { createCaller, createServePlace, type ServePlace, type ServeProcess } from './serve-process.ts';

const CONNECTIONS = 16;
const ROOT = join(import.meta.dirname, '..');
/** Below the root, where a program finds what it depends on. */
const BUILT = join(ROOT, 'node_modules/.cache/howdah-test');

const caller = createCaller('load');
const clone = useClone(newestCluster());
let place: ServePlace | undefined;
let howdah: ServeProcess | undefined;

afterEach(async () => {
  howdah?.child.kill('SIGKILL');
  await howdah?.exited;
  place?.remove();
});

/** A caller whose limits are not what is looked at. */
async function serve(program?: readonly string[]): Promise<{ place: ServePlace; howdah: ServeProcess; url: string }> {
  place = createServePlace(
    {
      http: { listen: '127.0.0.1:0', requests_per_minute: 1_000_000 },
      servers: { shop: { url: clone().monitorUrl, connections: 8 } },
      personas: { load: { tools: { allow: ['*'] }, limits: { calls_per_minute: 1_000_000, concurrent: 100 } } },
      auth: { api_keys: [caller.entry] },
    },
    program,
  );
  howdah = place.start();
  return { place, howdah, url: await howdah.ready() };
}

/** What became of a request: its status, or the code of the error and whether the connection had served one before. */
type Outcome = { readonly status: number; readonly body: string } | { readonly error: string; readonly kept: boolean };

function call(url: string, agent: Agent, id: string, tool: string): Promise<Outcome> {
  const headers = {
    authorization: `Bearer ${caller.key}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': tool,
  };
  const params = { name: tool, arguments: {}, _meta: ENVELOPE };
  return new Promise((resolve) => {
    const outgoing = request(url, { agent, method: 'POST', headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', () => resolve({ error: 'cut off', kept: true }));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ error: error.code ?? error.message, kept: outgoing.reusedSocket }),
    );
    outgoing.end(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }));
  });
}

const isResult = (outcome: Outcome) =>
  'status' in outcome && outcome.status === 200 && /"result":\{(?!.*"isError":true)/.test(outcome.body);

describe('SIGTERM under load', () => {
  it.each(['list_servers', 'unused_indexes'])(
    'every call of %s that was accepted is answered, and on record once',
    async (tool) => {
      const served = await serve();
      const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
      const outcomes = new Map<string, Outcome>();
      let ended = false;
      const clients = Array.from({ length: CONNECTIONS }, async (_, client) => {
        for (let i = 0; !ended; i++) {
          const id = `${client}-${i}`;
          const outcome = await call(served.url, agent, id, tool);
          outcomes.set(id, outcome);
          ended ||= 'error' in outcome;
        }
      });
      await until(() => (outcomes.size > 500 ? true : undefined), 15_000);
      const told = performance.now();
      served.howdah.child.kill('SIGTERM');
      await Promise.all(clients);
      expect(await served.howdah.exited).toMatchObject({ code: 0, stdout: '' });
      expect(performance.now() - told).toBeLessThan(3000);
      agent.destroy();

      const answered = [...outcomes].filter(([, outcome]) => isResult(outcome)).map(([id]) => id);
      const others = [...outcomes.values()].filter((outcome) => !isResult(outcome));
      // a connection that nobody had taken yet: nothing of the request was read
      expect(others.filter((outcome) => !('error' in outcome) || outcome.kept)).toEqual([]);
      expect(others.length).toBeGreaterThan(0);
      const recorded = served.place.events('ended');
      expect(recorded.filter(({ outcome }) => outcome !== 'OK')).toEqual([]);
      expect(recorded.map(({ request_id: id }) => String(id)).toSorted()).toEqual(answered.toSorted());
      expect(await verifyAudit(served.place.auditDirectory)).toMatchObject({ ok: true });
    },
    60_000,
  );
});

describe('memory', () => {
  beforeAll(() => void execFileSync(process.execPath, [join(ROOT, 'scripts/build.js'), BUILT]));

  it('is bounded, and what is in use does not grow with the calls', async () => {
    const { howdah, url } = await serve([...COLLECTS_ON_SIGNAL, join(BUILT, 'main.js')]);
    await callMany(url, 3000);
    const before = await measure(howdah);
    await callMany(url, 3000);
    const after = await measure(howdah);
    expect(after.residentMb).toBeLessThan(130);
    // a kilobyte for each call would be three
    expect(after.usedMb - before.usedMb).toBeLessThan(1.5);
  }, 60_000);
});

/** Garbage says nothing about a leak, and when it is collected is chance. */
const COLLECTS_ON_SIGNAL = [
  '--expose-gc',
  '--import',
  `data:text/javascript,process.on('SIGUSR2', () => { gc(); gc(); console.log('collected'); })`,
];

/** Two tools in turn, one of which asks PostgreSQL. */
async function callMany(url: string, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let left = count;
  const clients = Array.from({ length: CONNECTIONS }, async () => {
    for (let i = left--; i > 0; i = left--) {
      const outcome = await call(url, agent, String(i), i % 2 === 0 ? 'list_servers' : 'unused_indexes');
      if (!isResult(outcome)) throw new Error(JSON.stringify(outcome));
    }
  });
  await Promise.all(clients);
  agent.destroy();
}

async function measure(howdah: ServeProcess): Promise<{ readonly usedMb: number; readonly residentMb: number }> {
  const collected = once(howdah.child.stdout, 'data');
  howdah.child.kill('SIGUSR2');
  await collected;
  const response = await fetch(/metrics (\S+),/.exec(howdah.log())?.[1] ?? '');
  const metrics = await response.text();
  const bytes = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1]);
  const used = bytes('nodejs_heap_size_used_bytes') + bytes('nodejs_external_memory_bytes');
  return { usedMb: used / 2 ** 20, residentMb: bytes('process_resident_memory_bytes') / 2 ** 20 };
}
