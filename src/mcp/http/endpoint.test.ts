import { describe, expect, it } from 'vitest';
import { ACCEPT, headersFor, useMcpHttp } from '../../../test/mcp-exchange.ts';
import { ENVELOPE } from '../../../test/mcp-session.ts';

const open = useMcpHttp();

const INITIALIZE = { capabilities: {}, clientInfo: { name: 'legacy test', version: '1' } };
const SERVER_INFO = { name: 'howdah', title: 'Howdah', version: '1.2.3' };

describe('the modern era', () => {
  it('is discovered, with what can be listened to', async () => {
    const answer = await open().modern('server/discover');
    expect(answer).toMatchObject({
      status: 200,
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: {
          tools: { listChanged: true },
          prompts: { listChanged: true },
          resources: { listChanged: true },
        },
        instructions: expect.stringContaining('Howdah'),
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
      },
    });
    expect(open().recordOf(answer)).toMatchObject({ operation: 'server/discover', outcome: 'OK' });
  });

  it('answers a call whole, and the audit log says how it came in', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const meta = { ...ENVELOPE, traceparent: `00-${trace}-b7ad6b7169203331-01`, baggage: 'user=correct-horse' };
    const answer = await open().modern('tools/call', { name: 'echo', arguments: { text: 'hi' }, _meta: meta });
    expect(answer).toMatchObject({
      jsonrpc: '2.0',
      id: 7,
      status: 200,
      result: {
        resultType: 'complete',
        structuredContent: { text: 'hi' },
        _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
      },
    });
    expect(open().recordOf(answer)).toMatchObject({
      operation: 'echo',
      outcome: 'OK',
      transport: 'http',
      protocol_version: '2026-07-28',
      client_name: 'modern test',
      client_version: '2',
      source_address: '192.0.2.7',
      request_id: '7',
      trace_id: trace,
      principal_subject: 'ada',
    });
    expect(JSON.stringify(open().events())).not.toContain('correct-horse');
  });

  it.each(['00-'.padEnd(10_000, 'a'), '00-00000000000000000000000000000000-b7ad6b7169203331-01', '0af7', 7, {}])(
    'OP-04: takes no trace from a traceparent that is none',
    async (traceparent) => {
      const answer = await open().modern('tools/call', { name: 'echo', _meta: { ...ENVELOPE, traceparent } });
      expect(answer.status).toBe(200);
      expect(open().recordOf(answer)).toMatchObject({ outcome: 'OK', trace_id: null });
    },
  );

  it('answers what a method refuses with status 200, and it is on record', async () => {
    const answer = await open().modern('prompts/get', { name: 'nothing' });
    expect(answer).toMatchObject({ status: 200, error: { code: -32602 } });
    expect(open().recordOf(answer)).toMatchObject({ operation: 'prompts/get', outcome: 'NOT_FOUND' });
  });

  it.each(['ping', 'initialize', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'tasks/list'])(
    'does not have %s',
    async (method) => {
      const answer = await open().modern(method, { ...INITIALIZE, protocolVersion: '2025-11-25' });
      expect(answer).toMatchObject({ status: 404, error: { code: -32601 } });
      expect(open().refused).toEqual(['unknown method']);
    },
  );

  it.each(['resources/read/table', 'completion/complete/database', 'echo', 'audit_tail', '__proto__', 'toString'])(
    'does not have %s, which is the name of something else',
    async (method) => {
      expect(await open().modern(method)).toMatchObject({ status: 404, error: { code: -32601 } });
    },
  );
});

describe('the legacy era', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])('opens in %s', async (protocolVersion) => {
    const answer = await open().legacy('initialize', { ...INITIALIZE, protocolVersion });
    expect(answer).toMatchObject({
      status: 200,
      result: {
        protocolVersion,
        serverInfo: SERVER_INFO,
        capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
        instructions: expect.stringContaining('Howdah'),
      },
    });
    expect(answer.result).not.toHaveProperty('resultType');
    expect(open().recordOf(answer)).toMatchObject({
      operation: 'initialize',
      protocol_version: protocolVersion,
      client_name: 'legacy test',
      client_version: '1',
    });
  });

  it.each(['1999-01-01', '2024-10-07', '2031-01-01', '2026-07-28'])(
    'offers its newest to who opens with %s',
    async (version) => {
      const answer = await open().legacy('initialize', { ...INITIALIZE, protocolVersion: version });
      expect(answer).toMatchObject({ status: 200, result: { protocolVersion: '2025-11-25' } });
    },
  );

  it.each([
    undefined,
    {},
    { ...INITIALIZE, protocolVersion: 7 },
    { ...INITIALIZE, protocolVersion: '2025-11-25', clientInfo: { name: 'x' } },
    { ...INITIALIZE, protocolVersion: '2025-11-25', capabilities: 'all' },
  ])('refuses an opening that it cannot read: %j', async (params) => {
    expect(await open().legacy('initialize', params)).toMatchObject({ status: 200, error: { code: -32602 } });
    expect(open().refused).toEqual(['invalid parameters']);
  });

  it('answers with nothing that only the modern era has', async () => {
    const headers = { ...ACCEPT, 'mcp-protocol-version': '2025-06-18' };
    const answer = await open().legacy('tools/call', { name: 'echo', arguments: { text: 'hi' } }, { headers });
    expect(answer).toMatchObject({ status: 200, result: { structuredContent: { text: 'hi' } } });
    expect(Object.keys(answer.result ?? {}).toSorted()).toEqual(['_meta', 'content', 'structuredContent']);
    expect(Object.keys(answer.result?.['_meta'] ?? {})).toEqual(['howdah/call_id']);
    expect(open().recordOf(answer)).toMatchObject({ protocol_version: '2025-06-18', client_name: null });
    expect((await open().legacy('tools/list')).result).not.toHaveProperty('cacheScope');
  });

  it('answers ping, which is no call', async () => {
    expect(await open().legacy('ping')).toEqual({ jsonrpc: '2.0', id: 7, result: {}, status: 200 });
    expect(open().events()).toEqual([]);
  });

  it('MS-01: has no sessions: an id that a client chose changes nothing and is not repeated', async () => {
    const headers = { ...ACCEPT, 'mcp-session-id': 'chosen-by-client' };
    const params = { ...INITIALIZE, protocolVersion: '2025-11-25' };
    const [own, other] = [
      await open().legacy('initialize', params, { headers }),
      await open().legacy('tools/list', {}, { headers, user: 'eve', persona: 'echo' }),
    ];
    expect(own.status).toBe(200);
    expect(other.result?.['tools']).toHaveLength(1);
    expect(open().recordOf(other)).toMatchObject({ principal_subject: 'eve', persona: 'echo' });
    expect(JSON.stringify([own, other, open().events()])).not.toContain('chosen-by-client');
  });

  it('takes any Accept that has both kinds of answer, and a missing one for all', async () => {
    for (const accept of [
      undefined,
      '*/*',
      'application/*, text/*',
      'text/event-stream;q=0.001, APPLICATION/json',
      '*/*;q=0, application/*, text/*',
    ])
      expect(await open().legacy('ping', {}, { headers: { accept } })).toMatchObject({ status: 200 });
    for (const accept of [
      'text/html',
      'application/json',
      '',
      'application/jsonl, text/event-streams, text/plain',
      'application/json, text/event-stream;q=0',
      'application/json; Q=0.000, */*',
      'application/json, text/event-stream; charset=utf-8 ; q=0.0',
    ])
      expect(await open().legacy('ping', {}, { headers: { accept } })).toMatchObject({ status: 406 });
  });
});

describe('messages', () => {
  it.each([
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } },
    { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
    { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } },
    { jsonrpc: '2.0', id: 1, result: {} },
    { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } },
  ])('that ask for nothing get none: %j', async (message) => {
    const { done, status, body } = open().post(message);
    await done;
    expect([status(), body()]).toEqual([202, undefined]);
    expect(open().refused).toEqual([]);
  });

  it.each(['', '{', 'null x', '{"jsonrpc":"2.0","id":1,"method":"ping"', '['.repeat(100_000)])(
    'that are not JSON are refused: %.40s',
    async (text) => {
      const { done, status, body } = open().post(text);
      await done;
      expect(status()).toBe(400);
      expect([-32700, -32600]).toContain(body()?.error?.code);
      expect(body()?.id).toBe(null);
      expect(open().refused).toHaveLength(1);
    },
  );

  it('come one by one: a batch is refused', async () => {
    const { done, status, body } = open().post([{ jsonrpc: '2.0', id: 1, method: 'ping' }]);
    await done;
    expect([status(), body()?.error?.code]).toEqual([400, -32600]);
  });

  it.each([null, {}, [], 1.5, true, 'a'.repeat(10_000)])('MH-20: have an id that is one: %.20j', async (id) => {
    const { done, status, body } = open().post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo' } });
    await done;
    expect([status(), body()?.error?.code, body()?.id]).toEqual([400, -32600, null]);
    expect(open().refused).toEqual(['not JSON-RPC']);
    expect(open().events()).toEqual([]);
  });

  it('MH-20: may share an id, since each has an exchange of its own', async () => {
    const [one, two] = await Promise.all([
      open().legacy('tools/call', { name: 'echo', arguments: { text: 'one' } }),
      open().legacy('tools/call', { name: 'echo', arguments: { text: 'two' } }),
    ]);
    expect(one.result?.['structuredContent']).toMatchObject({ text: 'one' });
    expect(two.result?.['structuredContent']).toMatchObject({ text: 'two' });
  });

  it('MH-08: name one tool: a name that stands twice is refused before anyone reads it', async () => {
    const text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"wait"}}';
    const { done, status, body } = open().post(text);
    await done;
    expect([status(), body()?.error]).toEqual([400, { code: -32600, message: 'A key is given twice.' }]);
    expect(open().refused).toEqual(['not JSON-RPC']);
  });

  it('MH-08: have each argument once: a call with one twice is refused and on record', async () => {
    const meta = JSON.stringify(ENVELOPE);
    const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a","text":"b"},"_meta":${meta}}}`;
    const { done, status, body } = open().post(text, { headers: headersFor('tools/call', { name: 'echo' }) });
    await done;
    expect([status(), body()?.result]).toMatchObject([200, { isError: true }]);
    expect(open().recordOf(body())).toMatchObject({ operation: 'echo', outcome: 'INVALID_INPUT' });
  });
});

describe('what one caller may have', () => {
  it('MS-08: is not behind a cursor that was made up', async () => {
    for (const cursor of ['eyJvZmZzZXQiOi0xfQ', '-1', "' or 1=1 --", 'a'.repeat(500)]) {
      const answer = await open().modern('tools/list', { cursor });
      expect(answer).toMatchObject({ status: 200, error: { code: -32602 } });
      expect(open().recordOf(answer)).toMatchObject({ operation: 'tools/list', outcome: 'INVALID_INPUT' });
    }
  });

  it.each([
    ['server/discover', 0],
    ['tools/list', 60_000],
    ['prompts/list', 60_000],
    ['resources/list', 60_000],
    ['resources/templates/list', 60_000],
  ])('MS-09: is kept from shared caches: %s, which is good for %i ms', async (method, ttlMs) => {
    const [all, few] = [await open().modern(method), await open().modern(method, {}, { persona: 'echo' })];
    for (const { result } of [all, few]) expect(result).toMatchObject({ cacheScope: 'private', ttlMs });
    expect(all.result).not.toEqual(few.result);
  });

  it('MS-09: is not kept at all where it changes with the server: a resource that was read', async () => {
    const { result } = await open().modern('resources/read', { uri: 'howdah://tools/echo' });
    expect(result).toMatchObject({ cacheScope: 'private', ttlMs: 0 });
  });

  it('tells nothing to a caller whom no persona is for', async () => {
    for (const method of ['server/discover', 'tools/list', 'subscriptions/listen']) {
      const answer = await open().modern(method, { notifications: {} }, { persona: 'nobody' });
      expect(answer).toMatchObject({ status: 200, error: { code: 403, data: { code: 'FORBIDDEN' } } });
      expect(open().recordOf(answer)).toMatchObject({ operation: method, outcome: 'FORBIDDEN' });
    }
  });
});

describe('a fault', () => {
  it('MH-22: shows nothing of itself to the client', async () => {
    const http = open();
    const answer = await http.modern('tools/call', { name: 'broken' });
    expect(answer).toMatchObject({ status: 500, error: { code: -32603, message: 'Internal error' } });
    expect(JSON.stringify(answer)).not.toMatch(/correct-horse|TypeError|\.ts/);
    expect(http.faults).toHaveLength(1);
  });

  it('MH-22: of an operation is told by its code and the id of the call alone', async () => {
    const http = open();
    const answer = await http.modern('tools/call', { name: 'crash' });
    expect(answer).toMatchObject({ status: 200, result: { isError: true } });
    expect(JSON.stringify(answer)).not.toMatch(/correct-horse|TypeError|\.ts/);
    expect(http.recordOf(answer)).toMatchObject({ operation: 'crash', outcome: 'INTERNAL' });
  });

  it('MH-22: in the text of a message is answered without a word of it', async () => {
    const http = open();
    for (const text of ['{"correct-horse":', '{"id":{"correct-horse":1}}', '"correct-horse"']) {
      const { done, body } = http.post(text);
      await done;
      expect(JSON.stringify(body())).not.toContain('correct-horse');
    }
  });
});

describe('a client that leaves', () => {
  it('cancels its call, which is on record as that', async () => {
    const http = open();
    const { leave, done } = http.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } });
    leave();
    await done;
    expect(http.events().at(-1)).toMatchObject({ operation: 'wait', outcome: 'CANCELLED' });
  });

  it('cancels nothing of others by a notification, which could mean anybody’s request', async () => {
    const http = open();
    const call = http.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } });
    await http.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }).done;
    expect(call.status()).toBe(undefined);
    call.leave();
    await call.done;
  });
});
