/** Tokens of an issuer at `howdah serve` as a process, with official clients and with those of an attacker. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { AUDIENCE, openIssuer, type Issuer } from './issuer-kit.ts';
import { makeReader } from './callers-kit.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { createServePlace, post, type ServePlace, type ServeProcess } from './serve-process.ts';

const clone = useClone(newestCluster());
const LIST_TABLES = { method: 'tools/call', params: { name: 'list_tables', arguments: {} } };
const QUERY = { method: 'tools/call', params: { name: 'query', arguments: { sql: 'select 41 + 1 as answer' } } };
const nowS = () => Math.floor(Date.now() / 1000);

let issuer: Issuer;
let other: Issuer;
let place: ServePlace;
let howdah: ServeProcess;
let url: string;
const presented: string[] = [];

/** What may never be written anywhere: it is remembered. */
async function signed(...given: Parameters<Issuer['sign']>): Promise<string> {
  const token = await issuer.sign(...given);
  presented.push(token);
  return token;
}

const entry = (more: Record<string, unknown> = {}) => ({
  issuer: issuer.url,
  audience: AUDIENCE,
  role_prefix: 'howdah-',
  ...more,
});

async function configOf(oidc: readonly Record<string, unknown>[]) {
  return {
    servers: { shop: { url: clone().monitorUrl, logins: { callers: await makeReader(clone().superuserUrl) } } },
    personas: {
      dba: { tools: { allow: ['class:diagnostic', 'class:schema', 'query'] }, login: 'callers' },
      viewer: { tools: { allow: ['class:schema'] } },
    },
    auth: { oidc },
    telemetry: { log_level: 'debug', metrics: { listen: 'off' } },
  };
}

beforeAll(async () => {
  [issuer, other] = [await openIssuer(), await openIssuer('/tenant')];
  const named = { issuer: other.url, audience: AUDIENCE, scopes: { 'Mcp.Read': 'pg:read', 'Mcp.Query': 'pg:query' } };
  place = createServePlace(await configOf([entry(), { ...named, roles: { 'DB team': 'dba' } }]));
  howdah = place.start(120_000);
  url = await howdah.ready();
});

afterAll(async () => {
  howdah.child.kill('SIGKILL');
  await howdah.exited;
  place.remove();
  await Promise.all([issuer.close(), other.close()]);
});

const call = (name: string, args: object) => ({ method: 'tools/call', params: { name, arguments: args } });
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

interface Running {
  readonly url: string;
  readonly howdah: ServeProcess;
  readonly place: ServePlace;
}

/** Another Howdah, ended as a service is, with all on record that was refused. */
async function withHowdah(oidc: readonly Record<string, unknown>[], work: (running: Running) => Promise<void>) {
  const own = createServePlace(await configOf(oidc));
  const process = own.start();
  try {
    await work({ url: await process.ready(), howdah: process, place: own });
    expectNoToken(own, process);
  } finally {
    process.child.kill('SIGKILL');
    await process.exited;
    own.remove();
  }
}

function expectNoToken(written: ServePlace, process: ServeProcess): void {
  for (const token of presented) {
    for (const part of [token, ...token.split('.').slice(1)]) {
      expect(written.holds(part)).toBe(false);
      expect(process.log()).not.toContain(part);
    }
  }
}

/** The audit events that came while `work` was done. */
async function during(work: () => Promise<unknown>, kind: AuditEvent['kind']): Promise<AuditEvent[]> {
  const before = place.events(kind).length;
  await work();
  return place.events(kind).slice(before);
}

it.each([['auto'], ['legacy']] as const)('serves the official client with one, in the mode %s', async (mode) => {
  const token = await signed({ azp: 'claude', sub: `ada-${mode}` });
  const client = new Client({ name: 'official client', version: '1' }, { versionNegotiation: { mode } });
  const [call] = await during(async () => {
    const authProvider = { token: () => Promise.resolve(token) };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('query');
    const { structuredContent } = await client.callTool({ name: 'list_tables', arguments: {} });
    expect(structuredContent).toMatchObject({ rows: expect.any(Array) });
    await client.close();
  }, 'ended').then((events) => events.filter(({ operation }) => operation === 'list_tables'));
  expect(call).toMatchObject({
    principal_issuer: issuer.url,
    principal_subject: `ada-${mode}`,
    principal_method: 'oidc',
    principal_client: 'claude',
    principal_roles: ['dba'],
    persona: 'dba',
    outcome: 'OK',
  });
});

it('says at both places who issues tokens and what to ask for', async () => {
  const origin = new URL(url).origin;
  const paths = ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource'];
  for (const path of paths) {
    const response = await fetch(`${origin}${path}`, { headers: { origin: 'https://anyone.example' } });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toEqual({
      resource: url,
      resource_name: 'Howdah',
      authorization_servers: [issuer.url, other.url],
      scopes_supported: ['pg:read', 'pg:query'],
      bearer_methods_supported: ['header'],
    });
  }
  const { status, headers } = await post(url, undefined, LIST_TABLES);
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toBe(
    `Bearer resource_metadata="${origin}${paths[0]}", scope="pg:read pg:query"`,
  );
});

describe('RS-12: a token for less than the call', () => {
  it('is answered 403 with every scope that is needed, and on record; one with them is served', async () => {
    const token = await signed({ scope: 'openid pg:read' });
    expect(await post(url, token, LIST_TABLES)).toMatchObject({ status: 200, body: { result: {} } });
    const [refused] = await during(async () => {
      const { status, headers, body } = await post(url, token, QUERY);
      expect(status).toBe(403);
      expect(headers.get('www-authenticate')).toBe(
        `Bearer resource_metadata="${new URL(url).origin}/.well-known/oauth-protected-resource/mcp", scope="pg:read pg:query", error="insufficient_scope", error_description="The token is not for this call."`,
      );
      expect(body.error).toMatchObject({ code: 'FORBIDDEN' });
    }, 'ended');
    expect(refused).toMatchObject({
      operation: 'query',
      outcome: 'FORBIDDEN',
      decision: 'deny',
      rule: 'the credential has not the scope pg:query',
    });
    expect(await post(url, await signed({ scope: 'pg:query' }), QUERY)).toMatchObject({
      status: 200,
      body: { result: { structuredContent: { rows: [[42]] } } },
    });
  });

  it('is told the names that its own issuer has for the scopes', async () => {
    const token = await other.sign({ scp: 'Mcp.Read', roles: ['DB team'] });
    expect(await post(url, token, LIST_TABLES)).toMatchObject({ status: 200 });
    const { status, headers } = await post(url, token, QUERY);
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('scope="Mcp.Read Mcp.Query", error="insufficient_scope"');
    const none = await other.sign({ scp: 'User.Read', roles: ['DB team'] });
    expect((await post(url, none, { method: 'tools/list' })).status).toBe(403);
  });

  it('is another thing than what its persona may not do, which the model is told', async () => {
    const reply = await post(url, await signed({ roles: ['howdah-viewer'], scope: 'pg:read' }), QUERY);
    expect(reply).toMatchObject({ status: 200, body: { result: { isError: true } } });
    expect(JSON.stringify(reply.body)).toContain('may not call');
  });
});

describe('a token of an attacker', () => {
  it('RS-05, RS-06, RS-07, RS-08, RS-09, RS-20: is answered the same whatever is wrong with it, and why is in the audit log', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const [, claims = '', signature = ''] = (await signed()).split('.');
    const tokens: Readonly<Record<string, string>> = {
      expired: await signed({ exp: nowS() - 62 }),
      'not valid yet': await signed({ nbf: nowS() + 90 }),
      'another audience': await signed({ aud: 'https://other.example.org/mcp' }),
      'unknown issuer': await signed({ iss: `${issuer.url}/` }),
      signature: await signed({}, { key: privateKey, header: { jku: 'http://127.0.0.1:1/jwks' } }),
      'unknown key': await signed({}, { header: { kid: '../../dev/null' } }),
      algorithm: `${encode({ alg: 'none', kid: 'first' })}.${claims}.${signature}`,
      'critical header': `${encode({ alg: 'ES256', kid: 'first', crit: ['x'], x: 1 })}.${claims}.${signature}`,
      type: await signed({}, { header: { typ: 'logout+jwt' } }),
    };
    await withHowdah([entry()], async (own) => {
      const replies = [];
      for (const token of Object.values(tokens)) replies.push(await post(own.url, token, LIST_TABLES));
      replies.push(await post(own.url, 'a.b.c', LIST_TABLES));
      const seen = replies.map(({ status, body, headers }) => [status, body, headers.get('www-authenticate')]);
      expect(seen).toEqual(Array.from(seen, () => seen[0]));
      expect(seen[0]?.[0]).toBe(401);
      expect(seen[0]?.[2]).toMatch(/, error="invalid_token"$/);
      own.howdah.child.kill('SIGTERM');
      await own.howdah.exited;
      expect(own.place.events('refused')).toMatchObject([
        {
          outcome: 'UNAUTHENTICATED',
          details: {
            reasons: {
              ...Object.fromEntries(Object.keys(tokens).map((reason) => [`unrecognized: ${reason}`, 1])),
              unrecognized: 1,
            },
          },
        },
      ]);
      for (const reason of Object.keys(tokens)) expect(own.howdah.log()).toContain(reason);
    });
  }, 40_000);

  it('RS-15, RS-16, RS-02: is none beside another one, with something after it, or in the address', async () => {
    const token = await signed();
    for (const text of [`${token}, Bearer ${token}`, `${token} junk`]) {
      expect((await post(url, text, LIST_TABLES)).status).toBe(401);
    }
    expect((await post(`${url}?access_token=${token}`, undefined, LIST_TABLES)).status).toBe(401);
  });
});

it('FD-09: starts while its issuer is down, answers 503 until it is back, and needs no restart', async () => {
  const late = await openIssuer();
  late.fail(500);
  await withHowdah([entry({ issuer: late.url })], async ({ url: address }) => {
    const token = await late.sign();
    const { status, headers, body } = await post(address, token, LIST_TABLES);
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(headers.get('www-authenticate')).toBeNull();
    late.fail(200);
    await expect.poll(async () => (await post(address, token, LIST_TABLES)).status, { timeout: 15_000 }).toBe(200);
  });
  await late.close();
}, 40_000);

it('RS-07: ends a stream with the token, to the second', async () => {
  await withHowdah([entry({ clock_tolerance: '0s' })], async ({ url: address }) => {
    const exp = nowS() + 3;
    const client = new Client({ name: 'official client', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const token = await signed({ exp });
    const authProvider = { token: () => Promise.resolve(token) };
    await client.connect(new StreamableHTTPClientTransport(new URL(address), { authProvider }));
    const response = await fetch(address, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'subscriptions/listen',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: {
          notifications: { toolsListChanged: true },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    });
    expect(response.status).toBe(200);
    await response.text();
    expect(nowS() - exp).toBeGreaterThanOrEqual(0);
    expect(nowS() - exp).toBeLessThan(5);
    await client.close();
    expect((await post(address, token, LIST_TABLES)).status).toBe(401);
  });
}, 40_000);

it('counts no more once its issuer is taken out of the file', async () => {
  await withHowdah([entry()], async ({ url: address, howdah: process, place: own }) => {
    const token = await signed();
    expect((await post(address, token, LIST_TABLES)).status).toBe(200);
    own.configure(await configOf([entry({ issuer: other.url })]));
    await process.logs('Read again', () => process.child.kill('SIGHUP'));
    expect((await post(address, token, LIST_TABLES)).status).toBe(401);
    expect((await post(address, await other.sign(), LIST_TABLES)).status).toBe(200);
  });
}, 40_000);

it('leaves no token in a log or an audit event, whole or in parts, even one that a caller writes everywhere', async () => {
  const token = await signed();
  expect(await post(url, token, call('query', { sql: `select '${token}' as t` }))).toMatchObject({ status: 200 });
  await post(url, token, call('query', { sql: `select ${token}` }));
  await post(url, token, call('list_tables', { schema: token, token, authorization: `Bearer ${token}` }));
  await post(url, token, { method: token, params: { _meta: { traceparent: token, progressToken: token } } });
  await post(url, token, call(token, {}));
  expect(presented.length).toBeGreaterThan(10);
  expectNoToken(place, howdah);
});
