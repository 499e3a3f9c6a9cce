/** `howdah stdio` as MCP clients know it: the official ones, and hostile ones. */
import { Client as ModernClient, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from './mcp-session.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { createStdioPlace, startRaw, type RawStdio, type StdioPlace } from './stdio-process.ts';

/** What both generations of the official client can do, by the same names. */
type OfficialClient = ModernClient | FirstClient;

const INFO = { name: 'official client', version: '1' };

async function connectModern({ command, args, cwd, env }: StdioPlace, options: ClientOptions): Promise<ModernClient> {
  const client = new ModernClient(INFO, options);
  await client.connect(new ModernTransport({ command, args, cwd, env, stderr: 'ignore' }));
  return client;
}

async function connectFirst({ command, args, cwd, env }: StdioPlace): Promise<FirstClient> {
  const client = new FirstClient(INFO);
  await client.connect(new FirstTransport({ command, args, cwd, env, stderr: 'ignore' }));
  return client;
}

const GENERATIONS: readonly (readonly [string, string, (place: StdioPlace) => Promise<OfficialClient>])[] = [
  [
    'client 2, which pins 2026-07-28',
    '2026-07-28',
    (place) => connectModern(place, { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
  ],
  ['client 2, which probes', '2026-07-28', (place) => connectModern(place, { versionNegotiation: { mode: 'auto' } })],
  ['client 2, which initializes', '2025-11-25', (place) => connectModern(place, {})],
  ['client 1', '2025-11-25', connectFirst],
];

async function complete(
  client: OfficialClient,
  name: string,
  value: string,
  chosen: Record<string, string> = {},
): Promise<readonly string[]> {
  const ref = { type: 'ref/resource' as const, uri: 'pg://{server}/{database}/{schema}/{table}' };
  const { completion } = await client.complete({ ref, argument: { name, value }, context: { arguments: chosen } });
  return completion.values;
}

describe.each(GENERATIONS)('%s', (_, version, connect) => {
  const clone = useClone(newestCluster());
  let place: StdioPlace;
  let client: OfficialClient;

  beforeAll(async () => {
    place = createStdioPlace(clone().monitorUrl);
    client = await connect(place);
  });
  afterAll(async () => {
    await client.close();
    place.remove();
  });

  it('is told where it is', () => {
    expect(client.getInstructions()).toContain('- default');
    expect(client.getInstructions()).not.toContain(new URL(clone().monitorUrl).password);
  });

  it('lists tools and calls one, whose answer is on record', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['activity', 'list_tables', 'server_overview']),
    );
    const answer = await client.callTool({ name: 'list_tables', arguments: { schema: 'shop', name: 'customers' } });
    expect(answer).toMatchObject({
      content: [{ type: 'text', text: expect.stringContaining('customers') }],
      structuredContent: { database: clone().name, rows: [{ schema: 'shop', table: 'customers', rows: 1000 }] },
    });
    const id = (answer['_meta'] as Record<string, unknown>)['howdah/call_id'];
    expect(place.events().findLast(({ call_id }) => call_id === id)).toMatchObject({
      kind: 'ended',
      operation: 'list_tables',
      outcome: 'OK',
      rows: 1,
      transport: 'stdio',
      protocol_version: version,
      client_name: INFO.name,
    });
  });

  it('is refused by the protocol for a tool that is not there, and by the tool for all else', async () => {
    await expect(client.callTool({ name: 'drop_table', arguments: {} })).rejects.toMatchObject({ code: -32602 });
    const refused = await client.callTool({ name: 'list_tables', arguments: { server: 'nowhere' } });
    expect(refused).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('"code":"NOT_FOUND"') }],
    });
  });

  it('reads a table by its address, and the documentation of a tool', async () => {
    const uri = `pg://default/${clone().name}/shop/customers`;
    const { contents } = await client.readResource({ uri });
    expect(contents).toMatchObject([{ uri, mimeType: 'application/json', text: expect.stringContaining('"email"') }]);
    const quoted = await client.readResource({ uri: `pg://default/${clone().name}/we.ird/Mixed%20Case` });
    expect(quoted.contents).toMatchObject([{ text: expect.stringContaining('semi;colon') }]);
    const folded = client.readResource({ uri: `pg://default/${clone().name}/shop/CUSTOMERS` });
    await expect(folded).rejects.toMatchObject({ code: -32602, data: { code: 'NOT_FOUND' } });
    const documents = (await client.listResources()).resources.map((resource) => resource.uri);
    expect(documents).toContain('howdah://tools/activity');
    const document = await client.readResource({ uri: 'howdah://tools/activity' });
    expect(document.contents).toMatchObject([{ text: expect.stringContaining('pg_stat_activity') }]);
    await expect(client.readResource({ uri: 'pg://default/x' })).rejects.toMatchObject({ code: -32602 });
  });

  it('gets a runbook', async () => {
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['before_a_migration', 'vacuum_review', 'why_is_it_slow']);
    const prompt = await client.getPrompt({
      name: 'before_a_migration',
      arguments: { schema: 'shop', table: 'Order' },
    });
    expect(prompt.messages).toMatchObject([{ role: 'user', content: { text: expect.stringContaining('shop.Order') } }]);
    await expect(client.getPrompt({ name: 'nothing' })).rejects.toMatchObject({ code: -32602 });
  });

  it('completes what the server knows', async () => {
    const database = clone().name;
    expect(await complete(client, 'server', 'd')).toEqual(['default']);
    expect(await complete(client, 'database', database.slice(0, 8), { server: 'default' })).toContain(database);
    expect(await complete(client, 'schema', 'c', { server: 'default', database })).toEqual(['crm']);
    expect(await complete(client, 'table', '', { server: 'default', database, schema: 'shop' })).toEqual(
      expect.arrayContaining(['Order', 'customers', 'order_lines']),
    );
    expect(await complete(client, 'table', 'Ord', { database, schema: 'shop' })).toEqual(['Order']);
    expect(await complete(client, 'table', '', { server: 'nowhere' })).toEqual([]);
  });
});

const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: INFO };
const request = (id: number, method: string, params: object = {}) => ({ jsonrpc: '2.0', id, method, params });

describe('a configuration', () => {
  const clone = useClone(newestCluster());

  it('keeps databases from completion, too', async () => {
    const { name, monitorUrl } = clone();
    const config = `servers: { shop: { url: "\${DATABASE_URL}", databases: ["${name}", template1] } }`;
    const place = createStdioPlace(monitorUrl, config);
    const client = await connectModern(place, {});
    try {
      expect(await complete(client, 'database', '')).toEqual([name]);
    } finally {
      await client.close();
      place.remove();
    }
  });
});

describe('the process', () => {
  let place: StdioPlace;
  let raw: RawStdio;

  const start = (url: string) => {
    place = createStdioPlace(url);
    raw = startRaw(place);
    return raw;
  };
  afterEach(async () => {
    raw.child.kill('SIGKILL');
    await raw.exited;
    place.remove();
  });

  it('answers when its server is down, and says so when asked', async () => {
    const began = performance.now();
    const { send, answerTo } = start('postgresql://monitor@127.0.0.1:1/shop');
    send(request(1, 'initialize', initialize));
    expect(await answerTo(1)).toMatchObject({ result: { instructions: expect.stringContaining('not contacted yet') } });
    // the target is 250 ms for the built program on a quiet machine
    expect(performance.now() - began).toBeLessThan(10_000);
    send(request(2, 'tools/call', { name: 'server_overview', arguments: {} }));
    expect(JSON.stringify(await answerTo(2))).toContain('SERVER_UNREACHABLE');
  });

  it('learns how its servers are as soon as it is opened', async () => {
    const { send, answerTo } = start(newestCluster().monitorUrl);
    const params = {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    };
    let text = '';
    for (let id = 1; id < 100 && !text.includes(', reachable'); id++) {
      send(request(id, 'server/discover', params));
      text = JSON.stringify(await answerTo(id));
      await sleep(50);
    }
    expect(text).toContain(`PostgreSQL ${newestCluster().major}.`);
  });

  it('ST-03: writes nothing but protocol to standard output, whatever comes', async () => {
    const { send, answerTo, received, log } = start('postgresql://monitor@127.0.0.1:1/shop');
    for (const line of ['garbage', '{"jsonrpc":', '[]', '\u0000', '{"jsonrpc":"2.0","id":{},"method":"ping"}'])
      send(line);
    raw.child.stdin.write(Buffer.from([0xff, 0xfe, 0x0a]));
    send(request(1, 'initialize', initialize));
    expect(await answerTo(1)).toHaveProperty('result');
    expect(received.filter(({ id }) => id === null)).toHaveLength(6);
    expect(log().match(/message refused/g)).toHaveLength(6);
    expect(log()).not.toContain('garbage');
  });

  it('ST-02: survives a line without end in bounded memory', async () => {
    const { send, answerTo, child } = start('postgresql://monitor@127.0.0.1:1/shop');
    send(request(1, 'initialize', initialize));
    await answerTo(1);
    const before = residentBytes(child.pid);
    const block = Buffer.alloc(1_048_576, 'x');
    for (let i = 0; i < 200; i++) {
      if (!child.stdin.write(block)) await new Promise((resolve) => child.stdin.once('drain', resolve));
    }
    expect(residentBytes(child.pid) - before).toBeLessThan(60_000_000);
    send('');
    expect(await answerTo(null)).toMatchObject({ error: { code: -32600 } });
    send(request(2, 'ping'));
    expect(await answerTo(2)).toHaveProperty('result');
  });

  describe('with a server that does not answer', () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    let url: string;

    beforeAll(async () => {
      await new Promise<void>((resolve) => {
        silent.listen(0, '127.0.0.1', resolve);
      });
      url = `postgresql://monitor@127.0.0.1:${(silent.address() as AddressInfo).port}/shop?connect_timeout=60`;
    });
    afterAll(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });

    async function startCall(): Promise<RawStdio> {
      const started = start(url);
      started.send(request(1, 'initialize', initialize));
      await started.answerTo(1);
      started.send(request(2, 'tools/call', { name: 'server_overview', arguments: {} }));
      started.send(request(3, 'ping'));
      await started.answerTo(3);
      return started;
    }

    it('cancels a call that its client takes back', async () => {
      const { send, answerTo, received } = await startCall();
      send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2, reason: 'enough' } });
      expect(await until(() => outcomeIn(place))).toBe('CANCELLED');
      send(request(4, 'ping'));
      await answerTo(4);
      expect(received.some(({ id }) => id === 2)).toBe(false);
    });

    it.each([
      ['its input ends', () => void raw.child.stdin.end(), 0],
      ['nobody reads its output', () => (raw.child.stdout.destroy(), raw.send(request(9, 'ping'))), 0],
      ['it is told to end', () => void raw.child.kill('SIGTERM'), 143],
    ])('ST-05: ends within five seconds when %s, with the call that ran on record', async (_, leave, code) => {
      const { exited } = await startCall();
      const began = performance.now();
      leave();
      expect(await exited).toBe(code);
      expect(performance.now() - began).toBeLessThan(5000);
      expect(outcomeIn(place)).toBe('CANCELLED');
    });
  });
});

/** Of the one tool call. */
function outcomeIn(place: StdioPlace): string | null | undefined {
  return place.events().findLast(({ operation }) => operation === 'server_overview')?.outcome;
}

/** Linux only; zero elsewhere, which asserts nothing. */
function residentBytes(pid: number | undefined): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}
