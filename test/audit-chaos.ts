/** `howdah serve` under load while it, or its store, is killed; and what must be true of the audit log then. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { isAlive, readPostmasterFile } from '../src/postgres/postmaster.ts';
import { countsOf, readChecked } from './audit-reading.ts';
import type { OwnServer } from './own-server.ts';
import { createCaller, createServePlace, type ServePlace, type ServeProcess } from './serve-process.ts';
import type { StoreDatabase } from './store-kit.ts';

const CONNECTIONS = 64;
const LIFETIME_MS = 1_500_000;
const START_MS = 90_000;

/** The store of its own server, or the embedded one. */
export type ChaosStore = { readonly server: OwnServer; readonly database: StoreDatabase } | 'embedded';

export interface Chaos {
  readonly place: ServePlace;
  /** The ids of the calls that were answered, each with when. */
  readonly answered: ReadonlyMap<string, number>;
  /** The codes of the errors of calls that were not. */
  readonly refused: ReadonlyMap<string, number>;
  howdah(): ServeProcess;
  /** Calls until so many more were answered and these things were done meanwhile, at equal distances. */
  storm(calls: number, ...blows: readonly (() => Promise<void>)[]): Promise<void>;
  killServe(): Promise<void>;
  startServe(): Promise<void>;
  /** Its postmaster, at once. */
  readonly killStore: () => Promise<void>;
  startStore(): Promise<void>;
  readonly spools: () => string[];
  /** Ends serve, after every promise of the audit log was checked. */
  check(): Promise<void>;
  stop(): Promise<void>;
}

export async function startChaos(store: ChaosStore, onUnavailable: 'refuse' | 'spool'): Promise<Chaos> {
  const caller = createCaller('load');
  const port = await freePort();
  const own = store === 'embedded' ? undefined : store;
  const place = createServePlace({
    http: { listen: `127.0.0.1:${port}`, requests_per_minute: 1_000_000 },
    personas: { load: { tools: { allow: ['*'] }, limits: { calls_per_minute: 1_000_000, concurrent: 100 } } },
    auth: { api_keys: [caller.entry] },
    audit: { on_unavailable: onUnavailable },
    store: own === undefined ? {} : { url: own.database.url, migrate_url: own.database.ownerUrl },
    ...(own !== undefined && { secrets: { key: { file: 'key' } } }),
  });
  const state = dirname(place.config);
  if (own !== undefined) writeFileSync(join(state, 'key'), own.database.key, { mode: 0o600 });
  const dataDirectory = own?.server.dataDir ?? join(state, 'store/data');
  const answered = new Map<string, number>();
  const refused = new Map<string, number>();
  /** Of the postmaster that was killed: one that waits for another's lock does not see that it has gone. */
  let left: readonly number[] = [];
  let howdah = place.start(LIFETIME_MS);
  const url = await howdah.ready(START_MS);

  async function storm(calls: number, ...blows: readonly (() => Promise<void>)[]): Promise<void> {
    const from = answered.size;
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    let blowsLeft = blows.length;
    const isOver = () => blowsLeft === 0 && answered.size - from >= calls;
    const trouble: { error?: Error } = {};
    const clients = Array.from({ length: CONNECTIONS }, async () => {
      while (!isOver() && trouble.error === undefined) {
        const outcome = await call(url, caller.key, agent);
        if (outcome.callId !== undefined) answered.set(outcome.callId, performance.now());
        else {
          refused.set(outcome.error, (refused.get(outcome.error) ?? 0) + 1);
          await sleep(20);
        }
      }
    });
    try {
      for (const [i, blow] of blows.entries()) {
        while (answered.size - from < (calls * (i + 1)) / (blows.length + 1)) await sleep(20);
        await blow();
        blowsLeft -= 1;
      }
    } catch (error) {
      trouble.error = error as Error;
    }
    await Promise.all(clients);
    agent.destroy();
    if (trouble.error !== undefined) throw trouble.error;
  }

  async function startServe(): Promise<void> {
    howdah = place.start(LIFETIME_MS);
    await howdah.ready(START_MS);
  }

  const ownerUrl = own?.database.ownerUrl ?? embeddedUrl(state);
  const spools = () => {
    const directory = join(place.auditDirectory, 'spool');
    return existsSync(directory) ? readdirSync(directory) : [];
  };
  return {
    place,
    answered,
    refused,
    howdah: () => howdah,
    storm,
    async killServe() {
      howdah.child.kill('SIGKILL');
      await howdah.exited;
    },
    startServe,
    async killStore() {
      const file = await readPostmasterFile(dataDirectory);
      if (file === undefined) throw new Error('the store does not run');
      left = childrenOf(file.pid);
      process.kill(file.pid, 'SIGKILL');
    },
    async startStore() {
      for (const pid of left) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
      await startAgain(own?.server);
    },
    spools,
    async check() {
      await expect.poll(spools, { timeout: 60_000, interval: 200 }).toEqual([]);
      const events = await readChecked(ownerUrl);
      const counts = countsOf(events, 'ended');
      const wrong = [...answered.keys()].filter((id) => counts.get(id) !== 1);
      expect(wrong).toEqual([]);
      expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
      howdah.child.kill('SIGTERM');
      expect(await howdah.exited).toMatchObject({ code: 0, stdout: '' });
    },
    async stop() {
      howdah.child.kill('SIGKILL');
      await howdah.exited;
      if (own === undefined) {
        const file = await readPostmasterFile(dataDirectory);
        if (file !== undefined) process.kill(file.pid, 'SIGQUIT');
        await sleep(500);
      }
      place.remove();
    },
  };
}

/** The processes of the one before may not have noticed yet that it is gone. */
async function startAgain(server: OwnServer | undefined): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await server?.restart();
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(500);
    }
  }
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map(Number)
    .filter((child) => child > 0);
}

/** As its superuser: the user of this process is let in. */
export function embeddedUrl(state: string): string {
  return `postgresql:///howdah?user=postgres&port=5432&host=${encodeURIComponent(join(state, 'store/run'))}`;
}

type Called = { readonly callId: string } | { readonly callId: undefined; readonly error: string };

function call(url: string, key: string, agent: Agent): Promise<Called> {
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  };
  const params = { name: 'list_servers', arguments: {} };
  return new Promise((resolve) => {
    const failed = (error: string) => resolve({ callId: undefined, error });
    const outgoing = request(url, { agent, method: 'POST', headers, timeout: 60_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('error', () => failed('cut off'));
      response.on('end', () => resolve(read(response.statusCode ?? 0, body)));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => failed(error.code ?? error.message));
    outgoing.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  });
}

function read(status: number, body: string): Called {
  const id = /"howdah\/call_id":"([^"]+)"/.exec(body)?.[1];
  if (status === 200 && id !== undefined && body.includes('"result"') && !body.includes('"isError":true'))
    return { callId: id };
  return {
    callId: undefined,
    error: /"code\\?":\s*\\?"([A-Z_]+)/.exec(body)?.[1] ?? `${status} ${body.slice(0, 200)}`,
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
