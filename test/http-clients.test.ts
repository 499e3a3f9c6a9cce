/** Both generations of the official client over HTTP, on the oldest PostgreSQL, one between and the newest, against `howdah serve` as a process. */
import { Client, StreamableHTTPClientTransport, UnauthorizedError, type Tool } from '@modelcontextprotocol/client';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../src/audit/verify.ts';
import { builtInPersonas } from '../src/policy/built-in.ts';
import { tools } from '../src/tools/all-tools.ts';
import { makeReader, type Reader } from './callers-kit.ts';
import { cloneDatabase, useClone, type Clone } from './postgres/clone.ts';
import type { Cluster } from './postgres/clusters.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import {
  createCaller,
  createServePlace,
  type KeyedCaller,
  type ServePlace,
  type ServeProcess,
} from './serve-process.ts';
import { callEveryTool, expectedOutcomes, isTool } from './tools/call-every-tool.ts';
import { LISTED } from './tools/tool-inputs.ts';

const INFO = { name: 'official client', version: '1' };

type Options = ConstructorParameters<typeof Client>[1];
type Connected = Client | FirstClient;

async function connectSecond(url: string, key: string, options: Options): Promise<Client> {
  const client = new Client(INFO, options);
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { authProvider: { token: () => Promise.resolve(key) } }),
  );
  return client;
}

async function connectFirst(url: string, key: string): Promise<FirstClient> {
  const client = new FirstClient(INFO);
  const transport = new FirstTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${key}` } } });
  await client.connect(transport);
  return client;
}

const connectModern = (url: string, key: string, options: Options = {}) =>
  connectSecond(url, key, { ...options, versionNegotiation: { mode: 'auto' } });
const connectLegacy = (url: string, key: string) => connectSecond(url, key, { versionNegotiation: { mode: 'legacy' } });

interface Generation {
  readonly title: string;
  readonly speaks: string;
  readonly caller: KeyedCaller;
  /** Who is on record as the client of a call: without a session, only the modern era says it each time. */
  readonly clientName: string | null;
  readonly connect: (url: string, key: string) => Promise<Connected>;
}

const GENERATIONS: readonly Generation[] = [
  {
    title: '2',
    speaks: '2026-07-28',
    caller: createCaller('dba'),
    clientName: INFO.name,
    connect: connectModern,
  },
  {
    title: '2, as of 2025',
    speaks: '2025-11-25',
    caller: createCaller('dba'),
    clientName: null,
    connect: connectLegacy,
  },
  {
    title: '1',
    speaks: '2025-11-25',
    caller: createCaller('dba'),
    clientName: null,
    connect: connectFirst,
  },
];
const reader = createCaller('reader');
const stranger = createCaller('dba');

interface Served extends ServePlace {
  readonly url: string;
  readonly howdah: ServeProcess;
  /** A database in which `top_statements` takes a minute. */
  readonly slow: Clone;
  /** Runs SQL of callers. */
  readonly login: Reader;
}

/** `allowed`: what the persona `reader` may call; `login` runs the SQL of `dba`. */
function configOf(databaseUrl: string, allowed: readonly string[], login: Reader): Readonly<Record<string, unknown>> {
  const { tools: rules, limits } = builtInPersonas.dba;
  const keys = GENERATIONS.map(({ title, caller }) => ({ ...caller.entry, name: `client ${title}` }));
  return {
    servers: { shop: { url: databaseUrl, logins: { callers: login } } },
    personas: {
      dba: { tools: { allow: rules.allow }, limits, login: 'callers' },
      reader: { tools: { allow: allowed } },
    },
    auth: { api_keys: [...keys, reader.entry] },
  };
}

/** Registers hooks that run `howdah serve` for the suite. */
function useServed(cluster: Cluster, clone: () => Clone): () => Served {
  let served: Served;
  beforeAll(async () => {
    const slow = await cloneDatabase(cluster, undefined, 'fixture_ext');
    await runSql(cluster, slow.name, SLOW_DOWN);
    const login = await makeReader(clone().superuserUrl);
    const place = createServePlace(configOf(clone().monitorUrl, ['class:schema'], login));
    const howdah = place.start();
    served = { ...place, howdah, url: await howdah.ready(), slow, login };
  });
  afterAll(async () => {
    served.howdah.child.kill('SIGKILL');
    await served.howdah.exited;
    served.remove();
    await served.slow.drop();
  });
  return () => served;
}

/** The view goes on reading the function that it was made of. */
const SLOW_DOWN = `grant usage on schema ext to monitor;
  alter function ext.pg_stat_statements(boolean) rename to counted;
  create function ext.pg_stat_statements(showtext boolean) returns setof ext.pg_stat_statements language sql
    as 'select s.* from ext.pg_stat_statements s, pg_sleep(60)'`;

describeSomeMajors('the official clients over HTTP', (cluster) => {
  const clone = useClone(cluster);
  const served = useServed(cluster, clone);

  describe.each(GENERATIONS)('client $title', ({ title, speaks, caller, clientName, connect }) => {
    let client: Connected;
    beforeAll(async () => {
      client = await connect(served().url, caller.key);
    });
    afterAll(() => client.close());

    const onRecord = (operation: string) =>
      served()
        .events('ended')
        .filter((event) => event.operation === operation && event.principal_subject === caller.id);

    it(
      'lists all tools, gets an answer of the declared shape from each, and is on record with each',
      { timeout: 120_000 },
      async () => {
        const { tools: listed } = await client.listTools();
        expect(listed.map(({ name }) => name)).toEqual(LISTED);
        expect(await callEveryTool(client, cluster.major)).toEqual({});
        const events = served()
          .events('ended')
          .filter((event) => event.principal_subject === caller.id && isTool(event.operation));
        expect(events).toMatchObject(
          expectedOutcomes(cluster.major).map((expected) => ({
            ...expected,
            persona: 'dba',
            principal_issuer: 'key',
            principal_method: 'api_key',
            principal_client: `client ${title}`,
            transport: 'http',
            source_address: '127.0.0.1',
            protocol_version: speaks,
            client_name: clientName,
          })),
        );
      },
    );

    it('reads what tools and tables are', async () => {
      const { resources } = await client.listResources();
      expect(resources).toContainEqual(expect.objectContaining({ uri: 'howdah://tools/list_tables' }));
      expect(await client.readResource({ uri: 'howdah://tools/list_tables' })).toMatchObject({
        contents: [{ text: expect.stringContaining('list_tables') }],
      });
      const { resourceTemplates } = await client.listResourceTemplates();
      expect(resourceTemplates).toContainEqual(
        expect.objectContaining({ uriTemplate: 'pg://{server}/{database}/{schema}/{table}' }),
      );
      expect(await client.readResource({ uri: `pg://shop/${clone().name}/shop/Order` })).toMatchObject({
        contents: [{ mimeType: 'application/json', text: expect.stringContaining('"Order"') }],
      });
    });

    it('gets prompts, and completes their arguments and the addresses of tables', async () => {
      const { prompts } = await client.listPrompts();
      expect(prompts.map(({ name }) => name)).toContain('before_a_migration');
      const given = { name: 'before_a_migration', arguments: { table: 'Order', schema: 'shop' } };
      expect(await client.getPrompt(given)).toMatchObject({
        messages: [{ role: 'user', content: { type: 'text', text: expect.stringContaining('shop.Order') } }],
      });
      expect(
        await client.complete({
          ref: { type: 'ref/prompt', name: 'before_a_migration' },
          argument: { name: 'server', value: 's' },
        }),
      ).toMatchObject({ completion: { values: ['shop'] } });
      expect(
        await client.complete({
          ref: { type: 'ref/resource', uri: 'pg://{server}/{database}/{schema}/{table}' },
          argument: { name: 'table', value: 'Ord' },
          context: { arguments: { server: 'shop', database: clone().name, schema: 'shop' } },
        }),
      ).toMatchObject({ completion: { values: ['Order'] } });
    });

    it('AU-01: ends the statement of a call that it no longer waits for, which is on record as cancelled', async () => {
      const { slow, url } = served();
      const leaving = await connect(url, caller.key);
      const call = leaving.callTool({ name: 'top_statements', arguments: { database: slow.name } });
      call.catch(() => undefined);
      await expect.poll(() => running(cluster, slow.name), { timeout: 5000 }).toBe(1);
      const began = performance.now();
      await leaving.close();
      await expect.poll(() => running(cluster, slow.name), { timeout: 5000 }).toBe(0);
      expect(performance.now() - began).toBeLessThan(2000);
      await expect(call).rejects.toBeInstanceOf(Error);
      await expect
        .poll(() => onRecord('top_statements').at(-1), { timeout: 2000 })
        .toMatchObject({
          database: slow.name,
          outcome: 'CANCELLED',
        });
    });
  });

  it('an aborted call of a client of 2026 ends its statement, and the client goes on', async () => {
    const { slow, url } = served();
    const client = await connectModern(url, GENERATIONS[0]?.caller.key ?? '');
    const leaving = new AbortController();
    const call = client.callTool(
      { name: 'top_statements', arguments: { database: slow.name } },
      { signal: leaving.signal },
    );
    call.catch(() => undefined);
    await expect.poll(() => running(cluster, slow.name), { timeout: 5000 }).toBe(1);
    leaving.abort();
    await expect.poll(() => running(cluster, slow.name), { timeout: 2000 }).toBe(0);
    await expect(call).rejects.toBeInstanceOf(Error);
    expect(await client.callTool({ name: 'list_servers' })).not.toHaveProperty('isError');
    await client.close();
  });

  it('a key that nobody configured gets the refusal that each generation has for it', async () => {
    const { url } = served();
    await expect(connectModern(url, stranger.key)).rejects.toBeInstanceOf(UnauthorizedError);
    await expect(connectLegacy(url, stranger.key)).rejects.toBeInstanceOf(UnauthorizedError);
    await expect(connectFirst(url, stranger.key)).rejects.toMatchObject({ code: 401 });
  });

  it('a client is told when its list of tools has changed', async () => {
    const { url, howdah, ...place } = served();
    const lists: (readonly Tool[] | null)[] = [];
    const client = await connectModern(url, reader.key, {
      listChanged: { tools: { debounceMs: 0, onChanged: (_, changed) => lists.push(changed) } },
    });
    const before = (await client.listTools()).tools.map(({ name }) => name);
    expect(before).toContain('describe_table');
    expect(before.length).toBeLessThan(tools.length);
    place.configure(configOf(clone().monitorUrl, ['list_tables'], place.login));
    await howdah.logs('Read again: personas.reader changed', () => howdah.child.kill('SIGHUP'));
    await expect.poll(() => lists.at(-1)?.map(({ name }) => name)).toEqual(['list_tables']);
    await client.close();
  });

  it('ends with clients connected: their subscriptions end, and all is on record', async () => {
    const { url, howdah, ...place } = served();
    const client = await connectModern(url, reader.key);
    const subscription = await client.listen({ toolsListChanged: true });
    howdah.child.kill('SIGTERM');
    expect(await subscription.closed).toBe('graceful');
    expect(await howdah.exited).toMatchObject({ code: 0, stdout: '' });
    await client.close();
    expect(place.events('refused').reduce((sum, { details }) => sum + unrecognized(details), 0)).toBe(3);
    expect(await verifyAudit(place.auditDirectory)).toMatchObject({ ok: true });
  });
});

/** How many statements of Howdah run in a database now. */
async function running(cluster: Cluster, database: string): Promise<number> {
  const { rows } = await runSql(
    cluster,
    'postgres',
    `select count(*)::int as n from pg_stat_activity
      where datname = '${database}' and state = 'active' and application_name like 'howdah %'`,
  );
  return (rows[0] as { n: number }).n;
}

function unrecognized(details: unknown): number {
  return (details as { reasons: { unrecognized?: number } }).reasons.unrecognized ?? 0;
}
