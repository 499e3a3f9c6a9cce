/** `howdah serve` as a process: who may call, reading the configuration again, ending, and refusing to start. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ENVELOPE, until } from './mcp-session.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { createCaller, createServePlace, post, type ServePlace, type ServeProcess } from './serve-process.ts';
import { openStallingProxy, type StallingProxy } from './stalling-proxy.ts';

const dba = createCaller('dba');
const viewer = createCaller('viewer');
const stranger = createCaller('dba');
const TOOLS = { method: 'tools/list' };
const LIST_TABLES = { method: 'tools/call', params: { name: 'list_tables', arguments: {} } };

const toolsOf = async (url: string, key: string) => {
  const { body } = await post(url, key, TOOLS);
  const { tools } = body.result as { tools: { name: string }[] };
  return tools.map(({ name }) => name);
};
const statusOf = async (url: string, key: string | undefined) => (await post(url, key, TOOLS)).status;

const clone = useClone(newestCluster());
const opened: ServePlace[] = [];
const running: ServeProcess[] = [];

/** The configuration of these tests, with other keys of `auth` and whatever is to differ. */
function configOf(auth: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) {
  return { servers: { shop: { url: clone().monitorUrl } }, auth, ...more };
}

function place(config: Readonly<Record<string, unknown>>): ServePlace {
  const made = createServePlace(config);
  opened.push(made);
  return made;
}

function start(from: ServePlace): ServeProcess {
  const started = from.start();
  running.push(started);
  return started;
}

afterEach(async () => {
  for (const { child, exited } of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  }
  for (const made of opened.splice(0)) made.remove();
});

describe('howdah serve', () => {
  it('says once that it is ready, serves callers with a key, and ends with 0 when it is told to', async () => {
    const home = place(configOf({ api_keys: [{ ...dba.entry, name: 'Ada' }, viewer.entry] }));
    const howdah = start(home);
    const url = await howdah.ready();
    expect(howdah.log()).toMatch(
      new RegExp(
        `^howdah \\S+ is ready: http://127\\.0\\.0\\.1:\\d+/mcp \\(1 server, 2 keys, metrics http://127\\.0\\.0\\.1:\\d+/metrics, process ${howdah.child.pid}\\)\n$`,
      ),
    );
    const { status, body } = await post(url, dba.key, LIST_TABLES);
    expect(status).toBe(200);
    expect(body.result?.['structuredContent']).toMatchObject({ rows: expect.any(Array) });
    howdah.child.kill('SIGTERM');
    const { code, stdout } = await howdah.exited;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const [call] = home.events('ended');
    expect(call).toMatchObject({
      principal_issuer: 'key',
      principal_subject: dba.id,
      principal_method: 'api_key',
      principal_client: 'Ada',
      persona: 'dba',
      transport: 'http',
      outcome: 'OK',
    });
    expect(home.events('configuration')).toMatchObject([
      { operation: 'serve', details: { key_ids: [dba.id, viewer.id], anonymous_persona: null } },
    ]);
    expect(home.events().at(-1)?.kind).toBe('closed');
    expect(home.holds(dba.key) || howdah.log().includes(dba.key)).toBe(false);
  });

  it('refuses whoever has no key, or a key that nobody configured, in the same words', async () => {
    const home = place(configOf({ api_keys: [dba.entry] }));
    const url = await start(home).ready();
    const wrongSecret = createCaller('dba');
    const answers = await Promise.all(
      [undefined, stranger.key, wrongSecret.key, `${dba.key}x`, dba.id].map((key) => post(url, key, TOOLS)),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await statusOf(url, dba.key)).toBe(200);
  });

  it('RS-07: refuses a key that has expired, and one from another network', async () => {
    const away = createCaller('dba');
    const home = place(
      configOf({
        api_keys: [
          { ...dba.entry, expires_at: '2020-01-01T00:00:00Z' },
          { ...viewer.entry, networks: ['127.0.0.0/8'] },
          { ...away.entry, networks: ['10.0.0.0/8'] },
        ],
      }),
    );
    const howdah = start(home);
    const url = await howdah.ready();
    expect(howdah.log()).toContain('warning: auth.api_keys[0] expired at 2020-01-01T00:00:00Z');
    expect(await Promise.all([dba, viewer, away].map(({ key }) => statusOf(url, key)))).toEqual([401, 200, 401]);
  });

  it('serves callers without a key only where that is written, as that persona', async () => {
    const home = place(
      configOf({ anonymous: { persona: 'guest' } }, { personas: { guest: { tools: { allow: ['list_tables'] } } } }),
    );
    const howdah = start(home);
    const url = await howdah.ready();
    expect(howdah.log()).toContain('anonymous callers as guest');
    const { body } = await post(url, undefined, TOOLS);
    expect(body.result?.['tools']).toMatchObject([{ name: 'list_tables' }]);
    expect(await statusOf(url, stranger.key)).toBe(401);
    expect(home.events('ended')).toMatchObject([{ principal_method: 'anonymous', persona: 'guest' }]);
  });

  it('narrows a persona to what a key leaves of it, and names the rule', async () => {
    const home = place(configOf({ api_keys: [{ ...dba.entry, tools: ['area:tables'], servers: ['elsewhere-*'] }] }));
    const url = await start(home).ready();
    expect(await toolsOf(url, dba.key)).not.toContain('activity');
    const activity = await post(url, dba.key, { method: 'tools/call', params: { name: 'activity', arguments: {} } });
    expect(JSON.stringify(activity.body.result)).toContain('no rule of auth.api_keys[0].tools matches');
    const tables = await post(url, dba.key, LIST_TABLES);
    expect(tables.body.result).toMatchObject({ isError: true });
    expect(home.events('ended').slice(-2)).toMatchObject([
      { operation: 'activity', outcome: 'FORBIDDEN', rule: 'no rule of auth.api_keys[0].tools matches' },
      { operation: 'list_tables', decision: 'allow' },
    ]);
    expect(home.events('ended').at(-1)?.outcome).not.toBe('OK');
  });
});

describe('SIGHUP', () => {
  it('makes a revoked key worthless at once, knows a new one, and takes over personas', async () => {
    const home = place(configOf({ api_keys: [dba.entry] }));
    const howdah = start(home);
    const url = await howdah.ready();
    expect(await statusOf(url, dba.key)).toBe(200);
    home.configure(
      configOf({ api_keys: [viewer.entry] }, { personas: { viewer: { tools: { allow: ['list_tables'] } } } }),
    );
    await howdah.logs('Read again:', () => howdah.child.kill('SIGHUP'));
    expect(await statusOf(url, dba.key)).toBe(401);
    expect(await toolsOf(url, viewer.key)).toEqual(['list_tables']);
    expect(home.events('configuration').at(-1)).toMatchObject({
      operation: 'reload',
      outcome: 'OK',
      details: {
        changed: [`auth.api_keys.${dba.id}`, 'personas.viewer', `auth.api_keys.${viewer.id}`],
        restart_needed: [],
      },
    });
  });

  it('AK-05: takes the rights of a key away with those of its persona', async () => {
    const home = place(configOf({ api_keys: [{ ...dba.entry, tools: ['list_tables', 'activity'] }] }));
    const howdah = start(home);
    const url = await howdah.ready();
    expect(await toolsOf(url, dba.key)).toEqual(['activity', 'list_tables']);
    home.configure(
      configOf(
        { api_keys: [{ ...dba.entry, tools: ['list_tables', 'activity'] }] },
        { personas: { dba: { tools: { allow: ['class:schema'] } } } },
      ),
    );
    await howdah.logs('Read again:', () => howdah.child.kill('SIGHUP'));
    expect(await toolsOf(url, dba.key)).toEqual(['list_tables']);
    const { body } = await post(url, dba.key, { method: 'tools/call', params: { name: 'activity', arguments: {} } });
    expect(body.result).toMatchObject({ isError: true });
    expect(home.events('ended').at(-1)).toMatchObject({
      outcome: 'FORBIDDEN',
      rule: 'no rule of personas.dba.tools.allow matches',
    });
  });

  it('leaves everything as it was when the file has a problem, or is gone', async () => {
    const home = place(configOf({ api_keys: [dba.entry] }));
    const howdah = start(home);
    const url = await howdah.ready();
    home.configure({ personas: { x: { tools: { allow: ['lst_tables'] } } }, auth: { api_keys: [stranger.entry] } });
    await howdah.logs('the old one stays in force', () => howdah.child.kill('SIGHUP'));
    expect(howdah.log()).toContain('personas.x.tools.allow[0]');
    home.configure({ auth: { api_keys: [stranger.entry, stranger.entry] }, serverz: {} });
    await howdah.logs('serverz', () => howdah.child.kill('SIGHUP'));
    home.remove();
    await howdah.logs('does not exist', () => howdah.child.kill('SIGHUP'));
    expect(await statusOf(url, stranger.key)).toBe(401);
  });

  it('says what needs a restart, and keeps serving where it was', async () => {
    const home = place(configOf({ api_keys: [dba.entry] }));
    const howdah = start(home);
    const url = await howdah.ready();
    home.configure({ auth: { api_keys: [dba.entry] }, http: { listen: '127.0.0.1:0', requests_per_minute: 7 } });
    await howdah.logs('these keys count at the next start', () => howdah.child.kill('SIGHUP'));
    expect(howdah.log()).toContain('"changed":["http.requests_per_minute","servers.shop"]');
    expect((await post(url, dba.key, LIST_TABLES)).body.result).not.toHaveProperty('isError');
  });
});

describe('SIGHUP at a bad moment', () => {
  it('is obeyed when it comes during the start', async () => {
    const home = place(configOf({ api_keys: [dba.entry] }));
    const howdah = start(home);
    // modules are being loaded, then the audit log is opened
    await until(() => (takesHangups(howdah.child.pid) ? true : undefined), 15_000);
    howdah.child.kill('SIGHUP');
    const url = await howdah.ready();
    await until(() => home.events('configuration').find(({ operation }) => operation === 'reload'), 5_000);
    expect(await statusOf(url, dba.key)).toBe(200);
  });

  it('changes nothing for a file that could not be started with', async () => {
    const home = place(configOf({ api_keys: [dba.entry] }));
    const howdah = start(home);
    const url = await howdah.ready();
    home.configure({
      ...configOf({ api_keys: [viewer.entry] }),
      servers: { shop: { url: 'postgresql://db:x1/shop' } },
    });
    await howdah.logs('nothing is taken over', () => howdah.child.kill('SIGHUP'));
    const tls = { cert: 'absent.pem', key: 'absent.pem' };
    home.configure({ ...configOf({ api_keys: [viewer.entry] }), http: { listen: '127.0.0.1:0', tls } });
    await howdah.logs('nothing is taken over', () => howdah.child.kill('SIGHUP'));
    expect(howdah.log()).toContain('http.tls.key');
    expect(await Promise.all([dba, viewer].map(({ key }) => statusOf(url, key)))).toEqual([200, 401]);
    expect(home.events('configuration').slice(1)).toMatchObject([
      { operation: 'reload', outcome: 'CONFIG_INVALID' },
      { operation: 'reload', outcome: 'CONFIG_INVALID' },
    ]);
  });

  it('shuts everyone out where that is written, and warns that the next start is refused', async () => {
    const home = place(configOf({ anonymous: { persona: 'viewer' }, api_keys: [dba.entry] }));
    const howdah = start(home);
    const url = await howdah.ready();
    expect(await statusOf(url, undefined)).toBe(200);
    home.configure(configOf({}, { default_server: 'shop' }));
    await howdah.logs('What counts at the next start: default_server.', () => howdah.child.kill('SIGHUP'));
    expect(howdah.log()).toContain('Read again: auth.anonymous, ');
    expect(howdah.log()).toContain('auth lets nobody call');
    expect(await Promise.all([undefined, dba.key].map((key) => statusOf(url, key)))).toEqual([401, 401]);
  });

  it.each([
    ['a key that is revoked', dba.key, { anonymous: { persona: 'viewer' } }],
    ['anonymous access that is closed', undefined, { api_keys: [dba.entry] }],
  ])('ends the stream of %s, and tells it nothing', async (_, key, next) => {
    const home = place(configOf({ anonymous: { persona: 'viewer' }, api_keys: [dba.entry] }));
    const howdah = start(home);
    const stream = await listen(await howdah.ready(), key);
    home.configure(configOf(next));
    await howdah.logs('Read again:', () => howdah.child.kill('SIGHUP'));
    const text = await stream.text();
    expect(text).toMatch(/subscriptions\/acknowledged[^]*"result"/);
    expect(text).not.toContain('list_changed');
  });
});

/** The stream of a client of 2026 that wants to hear of changes of the list of tools. */
function listen(url: string, key: string | undefined): Promise<Response> {
  const method = 'subscriptions/listen';
  const params = { notifications: { toolsListChanged: true }, _meta: ENVELOPE };
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(15_000),
  });
}

/** Whether the process has a handler of SIGHUP, which is signal 1: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function takesHangups(pid: number | undefined): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}

describe('being told to end', () => {
  let proxy: StallingProxy;
  beforeEach(async () => {
    proxy = await openStallingProxy(clone().monitorUrl);
  });
  afterEach(() => proxy.close());

  /** A call that is under way and gets no answer. */
  async function stalledCall() {
    const howdah = start(place({ ...configOf({ api_keys: [dba.entry] }), servers: { shop: { url: proxy.url } } }));
    const url = await howdah.ready();
    await post(url, dba.key, LIST_TABLES);
    proxy.stall();
    const call = post(url, dba.key, LIST_TABLES);
    call.catch(() => undefined);
    await sleep(300);
    return { howdah, url, call };
  }

  it('lets a call that is under way finish, and takes no new one', async () => {
    const { howdah, url, call } = await stalledCall();
    await howdah.logs('Ending:', () => howdah.child.kill('SIGTERM'));
    // it says so before it does so
    await vi.waitFor(() => expect(connectTo(url)).rejects.toThrow('ECONNREFUSED'), { timeout: 5000 });
    proxy.resume();
    expect((await call).body.result).toMatchObject({ structuredContent: { rows: expect.any(Array) } });
    expect((await howdah.exited).code).toBe(0);
  });

  it('goes on ending when SIGHUP comes, and answers what was under way', async () => {
    const { howdah, call } = await stalledCall();
    await howdah.logs('Ending:', () => howdah.child.kill('SIGTERM'));
    await howdah.logs('Read again:', () => howdah.child.kill('SIGHUP'));
    proxy.resume();
    expect((await call).body.result).toMatchObject({ structuredContent: { rows: expect.any(Array) } });
    expect((await howdah.exited).code).toBe(0);
  });

  it('does not wait after a second signal', async () => {
    const { howdah, call } = await stalledCall();
    await howdah.logs('Ending:', () => howdah.child.kill('SIGINT'));
    // what comes at once may be an echo of the first
    await sleep(700);
    howdah.child.kill('SIGTERM');
    expect((await howdah.exited).code).toBe(130);
    await expect(call).rejects.toThrow('fetch failed');
  });
});

async function connectTo(url: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect').finally(() => socket.destroy());
}

/** What a start that fails says. */
async function refusal(config: Readonly<Record<string, unknown>>) {
  const { code, stdout, stderr } = await start(place(config)).exited;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  return stderr;
}

describe('a start that is refused', () => {
  it('is one that nobody could call', async () => {
    expect(await refusal(configOf({}))).toMatch(/auth lets nobody call: make a key with `howdah key create`/);
  });

  it('is one whose port is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const listen = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const keys = { api_keys: [dba.entry] };
    expect(await refusal(configOf(keys, { http: { listen } }))).toMatch(
      /^error: http\.listen: \S+ is in use by another/,
    );
    expect(await refusal(configOf(keys, { telemetry: { metrics: { listen } } }))).toMatch(
      /^error: telemetry\.metrics\.listen: \S+ is in use by another/,
    );
    taken.close();
  });

  it('is one at an address of another machine', async () => {
    const http = { listen: '192.0.2.1:0', trusted_proxies: ['10.0.0.0/8'] };
    expect(await refusal(configOf({ api_keys: [dba.entry] }, { http }))).toContain('is no address of this machine');
  });

  it.each([
    [
      'two keys of one id',
      { api_keys: [dba.entry, dba.entry] },
      'auth.api_keys[1].id is the id of auth.api_keys[0] too',
    ],
    [
      'a pattern that means nothing',
      { api_keys: [{ ...dba.entry, tools: ['lst_tables'] }] },
      'auth.api_keys[0].tools[0]',
    ],
    ['a persona that is not there', { anonymous: { persona: 'vewer' } }, 'did you mean `viewer`?'],
    ['a key in the place of its hash', { api_keys: [{ ...dba.entry, hash: dba.key }] }, 'is not the hash of a key'],
  ])('is one with %s, and shows no key', async (_, auth, message) => {
    const stderr = await refusal(configOf(auth));
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(dba.key.slice(17, 60));
  });
});
