/** What the HTTP edge lets through, and what it refuses before anything becomes a call; each refusal is on record. */
import { describe, expect, it } from 'vitest';
import { ask, call, callText, CALL, openSite, useSites, talk } from './http-kit.ts';

const open = useSites();

describe('a call', () => {
  it('reaches the endpoint whole, with who sent it and from where', async () => {
    const site = await open();
    const reply = await call(site, { headers: { 'mcp-method': 'tools/call', 'x-twice': ['a', 'b'] } });
    expect(reply).toMatchObject({ status: 200, body: '{"jsonrpc":"2.0","id":1,"result":{}}' });
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '36',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(Object.keys(reply.headers)).not.toContain('server');
    const [exchange] = site.exchanges;
    expect(Buffer.from(exchange?.body ?? '').toString()).toBe(CALL);
    expect(exchange).toMatchObject({
      principal: { issuer: 'key', client: 'ada', roles: ['dba'] },
      sourceAddress: '127.0.0.1',
      headers: { 'mcp-method': 'tools/call', 'x-twice': 'a, b' },
    });
    expect(await site.refused()).toEqual([]);
  });

  it('may come in pieces', async () => {
    const site = await open();
    const body = JSON.stringify({ pad: 'é'.repeat(50_000) });
    const chunks = body.match(/.{1,700}/gs) ?? [];
    const text = chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join('');
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${site.key}\r\nContent-Type: application/json; charset=UTF-8\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await talk(site.port, `${head}${text}0\r\n\r\n`)).toMatch(/^HTTP\/1.1 200 /);
    expect(Buffer.from(site.exchanges[0]?.body ?? '').toString()).toBe(body);
  });

  it('that expects 100-continue is asked for its body only when the body will be read', async () => {
    const site = await open();
    const headers = 'Expect: 100-continue\r\nConnection: close\r\n';
    expect(await talk(site.port, callText(site, { headers }))).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
    const stranger = callText(site, { headers }).replace(site.key, 'wrong');
    expect(await talk(site.port, stranger)).toMatch(/^HTTP\/1.1 401 /);
  });

  it('MH-18: that expects anything else passes the same rules and counts', async () => {
    const site = await open({ http: { requests_per_minute: 1 } });
    const head = 'GET /healthz HTTP/1.1\r\nExpect: a-miracle\r\nConnection: close\r\n';
    expect(await talk(site.port, `${head}Host: evil.example\r\n\r\n`)).toMatch(/^HTTP\/1.1 403 /);
    expect(await talk(site.port, `${head}Host: localhost\r\n\r\n`)).toMatch(/^HTTP\/1.1 200 /);
    expect(await talk(site.port, `${head}Host: localhost\r\n\r\n`)).toMatch(/^HTTP\/1.1 429 /);
    expect(await site.reasons()).toEqual({ host: 1, too_many_requests: 1 });
  });

  it('gets 500 when the endpoint fails or forgets to answer, and no word of why', async () => {
    const site = await open({
      handle: () => {
        throw new Error('secret /srv/path');
      },
    });
    expect(await call(site)).toMatchObject({
      status: 500,
      body: '{"error":{"code":"INTERNAL","message":"Something went wrong inside Howdah."}}',
    });
    const forgetful = await open({ handle: () => undefined });
    expect(await call(forgetful)).toMatchObject({ status: 500 });
  });
});

function requestText(line: string, headers: string): string {
  return `${line}\r\n${headers}Connection: close\r\n\r\n`;
}

describe('the host', () => {
  it.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:7432',
    '127.0.0.1.nip.io',
    'localhost:',
    'localhost.',
    '[::1',
    'user@localhost',
  ])('MH-01: refuses a rebound Host, %s', async (host) => {
    const site = await open();
    expect(await call(site, { headers: { host } })).toMatchObject({ status: 403 });
    expect(site.exchanges).toEqual([]);
    expect(await site.refused()).toMatchObject([
      { source_address: '127.0.0.1', decision: 'deny', outcome: 'FORBIDDEN', details: { reasons: { host: 1 } } },
    ]);
  });

  it('MH-01: refuses no Host, two of them, and one in the request line', async () => {
    const site = await open();
    expect(await talk(site.port, requestText('GET / HTTP/1.1', ''))).toMatch(/^HTTP\/1.1 403 /);
    expect(await talk(site.port, requestText('GET / HTTP/1.0', ''))).toMatch(/^HTTP\/1.1 403 /);
    expect(await talk(site.port, requestText('GET / HTTP/1.1', 'Host: localhost\r\nHost: evil.example\r\n'))).toMatch(
      /^HTTP\/1.1 403 /,
    );
    expect(await talk(site.port, requestText('GET http://evil.example/ HTTP/1.1', 'Host: localhost\r\n'))).toMatch(
      /^HTTP\/1.1 404 /,
    );
    expect(await site.reasons()).toEqual({ host: 3, not_found: 1 });
  });

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1:65535', '[::1]:7432', 'mcp.example.org', 'db.example.org:8443'])(
    'serves %s',
    async (host) => {
      const site = await open({
        http: { public_url: 'https://mcp.example.org', allowed_hosts: ['db.example.org:8443'] },
      });
      expect(await call(site, { headers: { host } })).toMatchObject({ status: 200 });
    },
  );
});

describe('the origin', () => {
  it.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://localhost:1',
    'https://app.example.org.evil.example',
    '',
  ])('MH-02: refuses the foreign origin %j, on preflight too', async (origin) => {
    const site = await open({ http: { allowed_origins: ['https://app.example.org'] } });
    const refused = await call(site, { headers: { origin } });
    expect(refused).toMatchObject({ status: 403 });
    const preflight = { origin, 'access-control-request-method': 'POST' };
    expect(await ask(site, { method: 'OPTIONS', headers: preflight })).toMatchObject({ status: 403 });
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    expect(await site.refused()).toMatchObject([{ outcome: 'FORBIDDEN', details: { reasons: { origin: 2 } } }]);
  });

  it('MH-02: refuses two origins at once', async () => {
    const site = await open();
    expect(await call(site, { headers: { origin: [site.url, 'https://evil.example'] } })).toMatchObject({
      status: 403,
    });
  });

  it('lets the own page call, without CORS headers', async () => {
    const site = await open();
    const reply = await call(site, { headers: { origin: site.url } });
    expect(reply.status).toBe(200);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('opens every answer to a listed page, refusals too, and allows it the headers of the protocol only', async () => {
    const site = await open({ http: { allowed_origins: ['https://app.example.org'] } });
    const origin = 'https://app.example.org';
    const cors = { 'access-control-allow-origin': origin, vary: 'Origin' };
    expect(await call(site, { headers: { origin } })).toMatchObject({ status: 200, headers: cors });
    expect(await ask(site, { method: 'POST', headers: { origin } })).toMatchObject({ status: 401, headers: cors });
    const preflight = await ask(site, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'Authorization, content-type,mcp-name, x-evil, mcp-\u00e9',
      },
    });
    expect(preflight).toMatchObject({
      status: 204,
      body: '',
      headers: {
        ...cors,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-type, mcp-name',
      },
    });
    expect(preflight.headers['access-control-allow-credentials']).toBeUndefined();
  });
});

describe('the form', () => {
  it.each(['GET', 'DELETE', 'PUT', 'OPTIONS', 'HEAD'])(
    'MH-21: %s /mcp needs a credential, and then is not allowed',
    async (method) => {
      const site = await open();
      expect(await ask(site, { method })).toMatchObject({ status: 401 });
      const headers = { authorization: `Bearer ${site.key}` };
      expect(await ask(site, { method, headers })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
      expect(await site.reasons()).toEqual({ unauthenticated: 1, method: 1 });
    },
  );

  it.each([
    'text/plain',
    'application/json;charset=utf-16',
    'application/json; charset=utf-8; x=y',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    '',
  ])('MH-16: refuses the content type %j', async (type) => {
    const site = await open();
    expect(await call(site, { headers: { 'content-type': type } })).toMatchObject({ status: 415 });
    expect(site.exchanges).toEqual([]);
    expect(await site.refused()).toMatchObject([
      { details: { reasons: { content_type: 1 }, principals: [expect.stringMatching(/^key\//)] } },
    ]);
  });

  it('MH-04: refuses an encoded body and an oversized one without reading it', async () => {
    const site = await open();
    expect(await call(site, { headers: { 'content-encoding': 'gzip' } })).toMatchObject({ status: 415 });
    const large = await call(site, { body: Buffer.alloc(20_000_000, 0x20) });
    expect(large).toMatchObject({ status: 413, headers: { connection: 'close' } });
    const chunked = await call(site, {
      headers: { 'transfer-encoding': 'chunked' },
      body: Buffer.alloc(2_000_000, 0x20),
    });
    expect(chunked).toMatchObject({ status: 413, headers: { connection: 'close' } });
    const coded = callText(site, { body: '' }).replace('Content-Length: 0', 'Transfer-Encoding: gzip, chunked');
    expect(await talk(site.port, `${coded.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}0\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 415 /,
    );
    expect(site.exchanges).toEqual([]);
    expect(await site.reasons()).toEqual({ content_encoding: 2, body_too_large: 2 });
  });

  it('MH-04: answers a body that is too large before it comes, and closes the connection', async () => {
    const site = await open();
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${site.key}\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n`;
    expect(await talk(site.port, head)).toMatch(/^HTTP\/1.1 413 [^]*\r\nConnection: close\r\n/);
  });

  it('takes a body of exactly the limit', async () => {
    const site = await open();
    expect(await call(site, { body: Buffer.alloc(1_048_576, 0x20) })).toMatchObject({ status: 200 });
    expect(await call(site, { body: Buffer.alloc(1_048_577, 0x20) })).toMatchObject({ status: 413 });
  });

  it('MH-22: answers what is no HTTP, unknown paths and odd methods without a word of the inside', async () => {
    const site = await open();
    const replies = [
      await talk(site.port, 'no http\r\n\r\n'),
      await talk(
        site.port,
        'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      ),
      await talk(site.port, 'GET /mcp/../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      await talk(site.port, 'POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    ];
    expect(replies.map((reply) => reply.slice(9, 12))).toEqual(['400', '400', '404', '405']);
    for (const reply of replies) expect(reply).not.toMatch(/at .*\.[tj]s|node_modules|stack|\/work|postgres/i);
    expect(await site.reasons()).toEqual({ malformed: 2, not_found: 1, method: 1 });
  });

  it('refuses the smuggling of a second request by two lengths', async () => {
    const site = await open();
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${site.key}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n`;
    expect(await talk(site.port, `${head}123456`)).toMatch(/^HTTP\/1.1 400 /);
    expect(site.exchanges).toEqual([]);
  });
});

describe('the caller behind a proxy', () => {
  it('is who the proxy says; a key tied to a network is checked against that', async () => {
    const options = { http: { trusted_proxies: ['127.0.0.1'] }, apiKey: { networks: ['203.0.113.0/24'] } };
    const site = await open(options);
    const headers = { 'x-forwarded-for': '198.51.100.7, 203.0.113.9' };
    expect(await call(site, { headers })).toMatchObject({ status: 200 });
    expect(site.exchanges[0]?.sourceAddress).toBe('203.0.113.9');
    expect(await call(site)).toMatchObject({ status: 401 });
  });

  it('is not believed about itself', async () => {
    const site = await open({ apiKey: { networks: ['203.0.113.0/24'] } });
    expect(await call(site, { headers: { 'x-forwarded-for': '203.0.113.9' } })).toMatchObject({ status: 401 });
    expect(await site.refused()).toMatchObject([{ source_address: '127.0.0.1' }]);
  });
});

describe('the other routes', () => {
  it('say how to present a credential, to pages of any origin', async () => {
    const site = await open();
    for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
      const reply = await ask(site, { path, headers: { origin: 'https://inspector.example' } });
      expect(reply).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': '*' } });
      expect(JSON.parse(reply.body)).toEqual({
        resource: `${site.url}/mcp`,
        resource_name: 'Howdah',
        scopes_supported: ['pg:read', 'pg:query'],
        bearer_methods_supported: ['header'],
      });
    }
  });

  it('name the public address where there is one', async () => {
    const site = await open({ http: { public_url: 'https://mcp.example.org/howdah' } });
    const { body } = await ask(site, { path: '/.well-known/oauth-protected-resource/mcp' });
    expect(JSON.parse(body)).toMatchObject({ resource: 'https://mcp.example.org/howdah/mcp' });
    expect((await ask(site, { method: 'POST' })).headers['www-authenticate']).toContain(
      'resource_metadata="https://mcp.example.org/howdah/.well-known/oauth-protected-resource/mcp"',
    );
  });

  it('tell whether the process lives, and whether it can serve', async () => {
    let ready = true;
    const site = await open({ isReady: () => Promise.resolve(ready) });
    expect(await ask(site, { path: '/healthz' })).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await ask(site, { path: '/readyz' })).toMatchObject({ status: 200, body: 'ready\n' });
    expect(await ask(site, { path: '/readyz', method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    ready = false;
    expect(await ask(site, { path: '/readyz' })).toMatchObject({ status: 503, body: 'not ready\n' });
    expect(await ask(site, { path: '/healthz' })).toMatchObject({ status: 200 });
  });

  it('take a question about readiness that fails for a no', async () => {
    const site = await open({ isReady: () => Promise.reject(new Error('disk')) });
    expect(await ask(site, { path: '/readyz' })).toMatchObject({ status: 503, body: 'not ready\n' });
  });

  it('show a person how to connect, and a stranger no version', async () => {
    const finding = { severity: 'critical' as const, claim: 'A <b>slot</b> holds WAL', evidence: {} };
    const site = await open({ home: () => [finding] });
    const page = await ask(site, { path: '/', headers: { accept: 'text/html,*/*' } });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='; /);
    expect(page.body).toContain(`${site.url}/mcp`);
    expect(page.body).toContain('A &lt;b&gt;slot&lt;/b&gt; holds WAL');
    const text = await ask(site, { path: '/' });
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text.body).toContain('critical: A <b>slot</b> holds WAL');
    expect(`${page.body}${text.body}`).not.toContain('0.1.0');
  });
});

describe('the access log', () => {
  it('has a line for a request: who, what and how long, and nothing that was sent', async () => {
    const site = await open({ logLevel: 'info' });
    await call(site, { path: '/mcp?q=hidden', headers: { 'user-agent': 'hidden' } });
    await ask(site, { path: '/hidden' });
    await site.close();
    expect(site.log).toMatchObject([
      {
        method: 'POST',
        route: 'mcp',
        status: 200,
        bytes: 36,
        address: '127.0.0.1',
        principal: expect.stringMatching(/^key\/\w{12}$/),
      },
      { method: 'GET', route: 'none', status: 404 },
    ]);
    expect(JSON.stringify(site.log)).not.toContain('hidden');
  });

  it('is off below info', async () => {
    const site = await open();
    await call(site);
    await site.close();
    expect(site.log).toEqual([]);
  });
});

describe('the metrics', () => {
  it('count requests, refusals and connections, on a listener of their own', async () => {
    const site = await open({ metrics: true });
    await call(site);
    await ask(site, { method: 'POST' });
    const { url, metricsUrl = '' } = site;
    const { origin } = new URL(metricsUrl);
    const { body } = await ask({ url: origin }, { path: '/metrics' });
    expect(body).toContain('howdah_http_requests_total{route="mcp",status="200"} 1');
    expect(body).toContain('howdah_http_requests_total{route="mcp",status="401"} 1');
    expect(body).toContain('howdah_http_refused_total{reason="unauthenticated"} 1');
    expect(body).toMatch(/^howdah_http_connections \d+$/m);
    expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(await ask({ url }, { path: '/metrics' })).toMatchObject({ status: 404 });
    expect(await ask({ url: origin }, { path: '/metrics', headers: { host: 'evil.example' } })).toMatchObject({
      status: 403,
    });
    expect(await ask({ url: origin }, { path: '/' })).toMatchObject({ status: 404 });
  });
});

describe('the listener', () => {
  it('says which key of the configuration names an address that is taken', async () => {
    const { port } = await open();
    await expect(openSite({ http: { listen: `127.0.0.1:${port}` } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `http.listen: 127.0.0.1:${port} is in use by another program.`,
    });
  });
});
