/** How a caller over HTTP proves who it is, and what those who cannot are told. */
import { describe, expect, it } from 'vitest';
import { anonymousPrincipal } from '../src/identity/anonymous-principal.ts';
import { ask, call, callText, CALL, useSites, talk, type Site } from './http-kit.ts';

const open = useSites();

const CHALLENGE = (site: Site) =>
  `Bearer resource_metadata="${site.url}/.well-known/oauth-protected-resource/mcp", scope="pg:read pg:query"`;

describe('the credential', () => {
  it('RS-01: refuses a caller without one and says where to learn more, and nothing else', async () => {
    const site = await open();
    const reply = await ask(site, { method: 'POST', headers: { 'content-type': 'application/json' }, body: CALL });
    expect(reply).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': CHALLENGE(site), 'cache-control': 'no-store' },
    });
    expect(reply.body).not.toMatch(/tool|persona|version/i);
    expect(await site.refused()).toMatchObject([
      {
        outcome: 'UNAUTHENTICATED',
        source_address: '127.0.0.1',
        transport: 'http',
        details: { reasons: { unauthenticated: 1 } },
      },
    ]);
  });

  it('RS-02, AK-02: does not look at the query or the body for one, and logs neither', async () => {
    const site = await open({ logLevel: 'info' });
    const body = JSON.stringify({ access_token: site.key, api_key: site.key });
    for (const name of ['access_token', 'api_key']) {
      const path = `/mcp?${name}=${site.key}`;
      const reply = await ask(site, { method: 'POST', path, headers: { 'content-type': 'application/json' }, body });
      expect(reply.status).toBe(401);
    }
    const events = await site.refused();
    expect(events).toMatchObject([{ details: { reasons: { unauthenticated: 2 } } }]);
    expect(site.log).toHaveLength(2);
    expect(JSON.stringify([site.log, events])).not.toContain(site.key.slice(0, 20));
  });

  it('MS-03: a session id is no credential', async () => {
    const site = await open();
    const headers = { 'mcp-session-id': 'b7b1a3d0-0000-4000-8000-000000000000' };
    expect(await ask(site, { method: 'POST', headers })).toMatchObject({ status: 401 });
    expect(await site.reasons()).toEqual({ unauthenticated: 1 });
  });

  it('RS-20: refuses every wrong credential with the same answer', async () => {
    const expired = await open({ apiKey: { expires_at: '2020-01-01T00:00:00Z' } });
    const elsewhere = await open({ apiKey: { networks: ['203.0.113.0/24'] } });
    const site = await open();
    const other = site.key.replace(/_[0-9A-Za-z]{12}_/, '_000000000000_');
    const replies = [
      await call(expired),
      await call(elsewhere),
      await call(site, { headers: { authorization: `Bearer ${other}` } }),
      await call(site, { headers: { authorization: 'Bearer nonsense' } }),
      await call(site, { headers: { authorization: 'Basic YTpi' } }),
    ];
    const seen = replies.map(({ status, body, headers }) => ({
      status,
      body,
      challenge: headers['www-authenticate']?.replace(/:\d+\//, '/'),
    }));
    expect(seen).toEqual(Array.from(seen, () => seen[0]));
    expect(replies[2]?.headers['www-authenticate']).toBe(`${CHALLENGE(site)}, error="invalid_token"`);
    expect(replies[2]?.status).toBe(401);
    expect(await site.refused()).toMatchObject([
      { outcome: 'UNAUTHENTICATED', details: { reasons: { unrecognized: 3 } } },
    ]);
  });

  it.each([
    ['RS-15', 'two headers', (key: string) => [`Bearer ${key}`, `Bearer ${key}`]],
    ['RS-15', 'two in one header', (key: string) => `Bearer ${key}, Bearer ${key}`],
    ['RS-16', 'something after it', (key: string) => `Bearer ${key} junk`],
    [
      'RS-05',
      'a token that brings its own key',
      () => `Bearer ${jwt({ alg: 'RS256', jku: 'http://127.0.0.1:1/jwks', jwk: {} })}`,
    ],
    ['RS-06', 'a token whose kid is a path', () => `Bearer ${jwt({ alg: 'HS256', kid: '../../dev/null' })}`],
    ['AK-04', 'a key in lower case', (key: string) => `Bearer ${key.toLowerCase()}`],
    ['AK-04', 'a zero-width space', (key: string) => `Bearer ${Buffer.from(`${key}\u200b`).toString('latin1')}`],
    ['AK-04', 'a space before it', (key: string) => `Bearer  ${key}`],
    [
      'AK-09',
      'the key as a client secret',
      (key: string) => `Basic ${Buffer.from(`client:${key}`).toString('base64')}`,
    ],
  ])('%s: refuses %s', async (_, __, authorization) => {
    const site = await open();
    expect(await call(site, { headers: { authorization: authorization(site.key) } })).toMatchObject({ status: 401 });
    expect(site.exchanges).toEqual([]);
    expect(await site.reasons()).toEqual({ unrecognized: 1 });
  });

  it('RS-17: refuses headers that are too large before anything looks at them', async () => {
    const site = await open();
    const text = callText(site, { headers: `X-Pad: ${'a'.repeat(200_000)}\r\n` });
    expect(await talk(site.port, text)).toMatch(/^HTTP\/1.1 431 /);
    const many = callText(site, { headers: 'a:b\r\n'.repeat(300) });
    expect(await talk(site.port, many.replace('\r\n', '\r\nConnection: close\r\n'))).toMatch(/^HTTP\/1.1 431 /);
    expect(site.exchanges).toEqual([]);
    expect(await site.refused()).toMatchObject([{ details: { reasons: { headers_too_large: 2 } } }]);
  });

  it('may be missing where anonymous callers have a persona; a wrong one is still refused', async () => {
    const site = await open({ anonymous: anonymousPrincipal('viewer') });
    const headers = { 'content-type': 'application/json' };
    expect(await ask(site, { method: 'POST', headers, body: CALL })).toMatchObject({ status: 200 });
    expect(site.exchanges[0]?.principal).toMatchObject({ method: 'anonymous', roles: ['viewer'] });
    expect(await call(site, { headers: { authorization: 'Bearer wrong' } })).toMatchObject({ status: 401 });
    expect(await call(site)).toMatchObject({ status: 200 });
    expect(site.exchanges[1]?.principal).toMatchObject({ method: 'api_key' });
  });
});

function jwt(header: object): string {
  return `${encode(header)}.${encode({ sub: 'x' })}.AAAA`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
