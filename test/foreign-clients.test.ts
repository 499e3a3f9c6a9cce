/** Clients that others made, over HTTP: a bridge for desktop programs, and the Inspector on the command line. */
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CLIENTS } from '../src/cli/connect/clients.ts';
import { KEY_PLACEHOLDER } from '../src/cli/connect/remote.ts';
import { builtInPersonas } from '../src/policy/built-in.ts';
import { installForeign, newerNode } from './foreign-package.ts';
import { makeReader } from './callers-kit.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachStandby } from './postgres/each-major.ts';
import { createCaller, createServePlace, type ServePlace, type ServeProcess } from './serve-process.ts';
import { callEveryTool, expectedOutcomes, isTool } from './tools/call-every-tool.ts';
import { LISTED } from './tools/tool-inputs.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');
const BRIDGE = join(PROGRAMS, 'node_modules/mcp-remote/dist/proxy.js');
const INSPECTOR = join(PROGRAMS, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');

const bridged = createCaller('dba');
const inspecting = createCaller('dba');
const stranger = createCaller('dba');

beforeAll(() => installForeign(PROGRAMS), 300_000);

// the oldest, one between and the newest are enough; that they have a standby does not matter
describeEachStandby('clients of others', (cluster) => {
  const clone = useClone(cluster);
  let place: ServePlace;
  let howdah: ServeProcess;
  let url: string;
  beforeAll(async () => {
    const { tools: rules, limits } = builtInPersonas.dba;
    place = createServePlace({
      servers: { shop: { url: clone().monitorUrl, logins: { callers: await makeReader(clone().superuserUrl) } } },
      personas: { dba: { tools: { allow: rules.allow }, limits, login: 'callers' } },
      auth: { api_keys: [bridged.entry, inspecting.entry] },
    });
    howdah = place.start();
    url = await howdah.ready();
  });
  afterAll(async () => {
    howdah.child.kill('SIGKILL');
    await howdah.exited;
    place.remove();
  });

  const callsOf = (caller: typeof bridged) =>
    place.events('ended').filter((event) => event.principal_subject === caller.id && isTool(event.operation));

  it('mcp-remote, as `howdah connect claude-desktop` sets it up, calls every tool', { timeout: 120_000 }, async () => {
    const { args, env } = bridgeEntry(url, bridged.key);
    const client = new Client({ name: 'desktop', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [BRIDGE, ...args],
        env: { ...machine(place), ...env },
        stderr: 'ignore',
      }),
    );
    try {
      const { tools: listed } = await client.listTools();
      expect(listed.map(({ name }) => name)).toEqual(LISTED);
      expect(await callEveryTool(client, cluster.major)).toEqual({});
    } finally {
      await client.close();
    }
    expect(callsOf(bridged)).toMatchObject(expectedOutcomes(cluster.major));
    expect(callsOf(bridged)[0]).toMatchObject({ transport: 'http', protocol_version: '2025-11-25', outcome: 'OK' });
  });

  it.each([
    ['legacy', '2025-11-25'],
    ['modern', '2026-07-28'],
  ])('the Inspector, era %s, lists the tools without a complaint about them and calls one', async (era, version) => {
    const inspect = (...args: string[]) =>
      runInspector(place, [url, ...keyed(inspecting.key), '--protocol-era', era, ...args]);
    const listing = await inspect('--method', 'tools/list', '--strict', '--format', 'json');
    expect(listing).toMatchObject({ exitCode: 0, stderr: '' });
    const { result } = JSON.parse(listing.stdout) as { result: { tools: { name: string }[] } };
    expect(result.tools.map(({ name }) => name)).toEqual(LISTED);
    const call = await inspect(
      '--method',
      'tools/call',
      '--tool-name',
      'describe_table',
      '--tool-arg',
      'table=Order',
      '--format',
      'json',
    );
    expect(call).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(call.stdout)).toMatchObject({ result: { structuredContent: { database: clone().name } } });
    expect(callsOf(inspecting).at(-1)).toMatchObject({
      operation: 'describe_table',
      protocol_version: version,
      outcome: 'OK',
    });
  });

  it('the Inspector with a wrong key says that it has to sign in', async () => {
    const refused = await runInspector(place, [url, ...keyed(stranger.key), '--method', 'tools/list']);
    expect(refused).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('auth_required') });
  });
});

interface Entry {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What stands in the file of the desktop program, with the key filled in, and after what npx takes. */
function bridgeEntry(url: string, key: string): Entry {
  const entry = CLIENTS.find(({ name }) => name === 'claude-desktop')?.remote({ url, keyVariable: undefined });
  const { args, env } = JSON.parse(JSON.stringify(entry).replaceAll(KEY_PLACEHOLDER, key)) as Entry;
  const [yes, program, ...rest] = args;
  expect([yes, program]).toEqual(['-y', 'mcp-remote']);
  return { args: rest, env };
}

/** They leave files in their home. */
function machine({ config }: ServePlace): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: dirname(config) };
}

function keyed(key: string): string[] {
  return ['--transport', 'http', '--header', `Authorization: Bearer ${key}`];
}

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runInspector(place: ServePlace, args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const options = { env: machine(place), timeout: 15_000 };
    execFile(newerNode(PROGRAMS), [INSPECTOR, '--cli', ...args], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}
