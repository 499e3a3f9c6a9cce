import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { ACCEPT, headersFor, useMcpHttp } from '../../../test/mcp-exchange.ts';
import { ENVELOPE } from '../../../test/mcp-session.ts';

const open = useMcpHttp();

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const CLIENT = 'io.modelcontextprotocol/clientInfo';
const sentinel = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

interface Case {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly isNotification?: boolean;
}

const modern = (method: string, more: Partial<Case> & { meta?: object } = {}): Case => {
  const params = { ...more.params, _meta: { ...ENVELOPE, ...more.meta } };
  return { ...more, method, params, headers: { ...headersFor(method, params), ...more.headers } };
};
const call = (more: Partial<Case> & { meta?: object } = {}) =>
  modern('tools/call', { ...more, params: { name: 'echo', arguments: {}, ...more.params } });
const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
const without = (key: string) => ({ meta: { [key]: undefined } });

/** Each rung of the ladder, and requests that break several. */
const CASES: Readonly<Record<string, Case>> = {
  'a call': call(),
  'a list': modern('tools/list'),
  'a discovery': modern('server/discover'),
  'no client capabilities': call(without(CAPABILITIES)),
  'client capabilities that are a text': call({ meta: { [CAPABILITIES]: 'all' } }),
  'client capabilities that are a list': call({ meta: { [CAPABILITIES]: [] } }),
  'a capability that is a text': call({ meta: { [CAPABILITIES]: { sampling: 'yes' } } }),
  'no client info': call(without(CLIENT)),
  'client info without a version': call({ meta: { [CLIENT]: { name: 'a' } } }),
  'client info that is a text': call({ meta: { [CLIENT]: 'a' } }),
  'a log level that is none': call({ meta: { 'io.modelcontextprotocol/logLevel': 'loud' } }),
  'a log level': call({ meta: { 'io.modelcontextprotocol/logLevel': 'debug' } }),
  'a version that is a number': call({ meta: { [VERSION]: 2026 } }),
  'no claim': call(without(VERSION)),
  'no envelope at all': { ...modern('tools/list'), params: {} },
  'no parameters': { method: 'tools/list', headers: headersFor('tools/list') },
  'an old version': call({ meta: { [VERSION]: '1900-01-01' }, headers: { 'mcp-protocol-version': '1900-01-01' } }),
  'a version to come': call({ meta: { [VERSION]: '2099-01-01' }, headers: { 'mcp-protocol-version': '2099-01-01' } }),
  'a legacy version claimed': call({
    meta: { [VERSION]: '2025-11-25' },
    headers: { 'mcp-protocol-version': '2025-11-25' },
  }),
  'an unknown version and no headers': { ...call({ meta: { [VERSION]: '2099-01-01' } }), headers: ACCEPT },
  'another version in the header': call({ headers: { 'mcp-protocol-version': '2025-11-25' } }),
  'no version in the header': call({ headers: { 'mcp-protocol-version': undefined } }),
  'no method in the header': call({ headers: { 'mcp-method': undefined } }),
  'another method in the header': call({ headers: { 'mcp-method': 'tools/list' } }),
  'the method in other case': call({ headers: { 'mcp-method': 'Tools/Call' } }),
  'no name in the header': call({ headers: { 'mcp-name': undefined } }),
  'another name in the header': call({ headers: { 'mcp-name': 'wait' } }),
  'an empty name in the header': call({ headers: { 'mcp-name': '' } }),
  'no headers at all': { ...call(), headers: ACCEPT },
  'the name encoded': call({ headers: { 'mcp-name': sentinel('echo') } }),
  'another name encoded': call({ headers: { 'mcp-name': sentinel('wait') } }),
  'a name that is no base64': call({ headers: { 'mcp-name': '=?base64?***?=' } }),
  'a name that is no UTF-8': call({ headers: { 'mcp-name': '=?base64?/w==?=' } }),
  'a name without padding': call({ headers: { 'mcp-name': '=?base64?ZWNobw?=' } }),
  'a prompt without its name': modern('prompts/get', { params: { name: 'x' }, headers: { 'mcp-name': undefined } }),
  'another resource': modern('resources/read', { params: { uri: 'a://b' }, headers: { 'mcp-name': 'a://c' } }),
  'a list with a name': modern('tools/list', { headers: { 'mcp-name': 'anything' } }),
  'ping of the modern era': modern('ping'),
  'initialize of the modern era': modern('initialize', { params: initialize }),
  'logging/setLevel of the modern era': modern('logging/setLevel', { params: { level: 'info' } }),
  'resources/subscribe of the modern era': modern('resources/subscribe', { params: { uri: 'a://b' } }),
  'an unknown method': modern('tools/guess'),
  'an unknown method with another in the header': modern('tools/guess', { headers: { 'mcp-method': 'tools/list' } }),
  'a method of JavaScript': modern('constructor'),
  'a legacy list': { method: 'tools/list' },
  'a legacy list of 2025-06-18': { method: 'tools/list', headers: { 'mcp-protocol-version': '2025-06-18' } },
  'a legacy version that is none': { method: 'tools/list', headers: { 'mcp-protocol-version': '2024-01-01' } },
  'a legacy list with what only the modern era has': { method: 'tools/list', headers: { 'mcp-name': 'x' } },
  'a legacy client that takes no event stream': { method: 'tools/list', headers: { accept: 'application/json' } },
  'a legacy client that takes no JSON': { method: 'tools/list', headers: { accept: 'text/event-stream' } },
  initialize: { method: 'initialize', params: initialize },
  'initialize with an unknown version in the header': {
    method: 'initialize',
    params: initialize,
    headers: { 'mcp-protocol-version': '1999-01-01' },
  },
  'initialize with a modern header': {
    method: 'initialize',
    params: initialize,
    headers: { 'mcp-protocol-version': '2026-07-28' },
  },
  'initialize with half an envelope': {
    method: 'initialize',
    params: { ...initialize, _meta: { [VERSION]: '2026-07-28' } },
  },
  ping: { method: 'ping' },
  'an unknown method of the legacy era': { method: 'tools/guess' },
  'a method of the modern era in the legacy era': { method: 'server/discover' },
  'a legacy notification': { method: 'notifications/initialized', isNotification: true },
  'a legacy notification of no version': {
    method: 'notifications/initialized',
    isNotification: true,
    headers: { 'mcp-protocol-version': '1999-01-01' },
  },
  'an unknown notification': { method: 'notifications/anything', isNotification: true },
  'a modern notification': modern('notifications/cancelled', { isNotification: true, params: { requestId: 1 } }),
  'a modern notification by its header': {
    method: 'notifications/cancelled',
    params: { requestId: 1 },
    isNotification: true,
    headers: { 'mcp-protocol-version': '2026-07-28' },
  },
  'a modern notification with another method': modern('notifications/cancelled', {
    isNotification: true,
    params: { requestId: 1 },
    headers: { 'mcp-method': 'notifications/progress' },
  }),
  'a modern notification with another version': modern('notifications/cancelled', {
    isNotification: true,
    headers: { 'mcp-protocol-version': '2025-11-25' },
  }),
  'a notification of a version to come': {
    method: 'notifications/cancelled',
    isNotification: true,
    headers: { 'mcp-protocol-version': '2099-01-01' },
  },
  'a notification whose version is a number': modern('notifications/cancelled', {
    isNotification: true,
    meta: { [VERSION]: 1 },
  }),
};

/** The SDK's own handler, as far as to the method: what the methods answer is Howdah's. */
const sdk = createMcpHandler(
  () => {
    const server = new Server(
      { name: 'sdk', version: '1' },
      { capabilities: { tools: {}, prompts: {}, resources: {} } },
    );
    server.setRequestHandler('tools/list', () => ({ tools: [] }));
    server.setRequestHandler('tools/call', () => ({ content: [] }));
    return server;
  },
  { onerror: () => undefined },
);

async function askSdk(body: string, headers: Case['headers']): Promise<{ status: number; code: number | undefined }> {
  const sent: [string, string | undefined][] = Object.entries({
    ...ACCEPT,
    'content-type': 'application/json',
    ...headers,
  });
  const given = sent.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]));
  const response = await sdk.fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', body, headers: given }));
  const text = await response.text();
  const json = text.startsWith('event:') ? text.slice(text.indexOf('{')) : text;
  const message = (json === '' ? {} : JSON.parse(json)) as { error?: { code: number } };
  return { status: response.status, code: message.error?.code };
}

describe('admission', () => {
  it.each(Object.keys(CASES))('answers %s with the status and code of the SDK', async (name) => {
    const { method, params, headers, isNotification = false } = CASES[name] ?? { method: '' };
    const message = { jsonrpc: '2.0', ...(!isNotification && { id: 7 }), method, params };
    const http = open();
    const exchange = http.post(message, { headers: { ...ACCEPT, ...headers } });
    await exchange.done;
    const answer = { status: exchange.status(), code: exchange.body()?.error?.code };
    expect(answer).toEqual(await askSdk(JSON.stringify(message), headers));
  });

  it('counts what it refuses under a fixed reason and writes no call down', async () => {
    const http = open();
    for (const { method, params, headers, isNotification = false } of Object.values(CASES)) {
      const before = http.refused.length;
      const { done, body } = http.post(
        { jsonrpc: '2.0', ...(!isNotification && { id: 7 }), method, params },
        { headers: { ...ACCEPT, ...headers } },
      );
      await done;
      const answer = body();
      const isCall = answer !== undefined && http.recordOf(answer) !== undefined;
      expect(http.refused.length - before).toBe(answer?.error === undefined || isCall ? 0 : 1);
    }
    expect(new Set(http.refused)).toEqual(
      new Set([
        'header mismatch',
        'invalid envelope',
        'not acceptable',
        'unknown method',
        'unsupported protocol version',
      ]),
    );
  });
});

describe('headers against the body', () => {
  const mismatch = { status: 400, error: { code: -32020 } };

  it('MH-09: refuses a request whose Mcp-Name is another tool, and calls neither', async () => {
    const http = open();
    const params = { name: 'wait', arguments: {} };
    expect(await http.modern('tools/call', params, { headers: { 'mcp-name': 'echo' } })).toMatchObject(mismatch);
    expect(http.refused).toEqual(['header mismatch']);
    expect(http.events()).toEqual([]);
  });

  it('MH-09: decides on the body where the headers agree', async () => {
    const http = open();
    const answer = await http.modern('tools/call', { name: 'describe_table', arguments: {} }, { persona: 'echo' });
    expect(answer).toMatchObject({ status: 200, result: { isError: true } });
    expect(http.recordOf(answer)).toMatchObject({
      operation: 'describe_table',
      outcome: 'FORBIDDEN',
      decision: 'deny',
    });
  });

  it('MH-10: refuses a request whose Mcp-Method is another method', async () => {
    const http = open();
    const params = { name: 'echo', arguments: {} };
    const headers = { 'mcp-method': 'tools/list' };
    expect(await http.modern('tools/call', params, { headers })).toMatchObject(mismatch);
    expect(http.refused).toEqual(['header mismatch']);
  });

  it('MH-12: refuses an envelope of one version under the header of another', async () => {
    const http = open();
    const headers = { 'mcp-protocol-version': '2025-11-25' };
    expect(await http.modern('tools/list', {}, { headers })).toMatchObject(mismatch);
    expect(http.refused).toEqual(['header mismatch']);
  });

  it('MH-13: refuses a version that it does not have and says which it has', async () => {
    const http = open();
    for (const version of ['1900-01-01', '2099-01-01']) {
      const params = { _meta: { ...ENVELOPE, [VERSION]: version } };
      const answer = await http.modern('tools/list', params, { headers: { 'mcp-protocol-version': version } });
      const data = { supported: ['2026-07-28'], requested: version };
      expect(answer).toMatchObject({ status: 400, error: { code: -32022, data } });
    }
    expect(http.refused).toEqual(['unsupported protocol version', 'unsupported protocol version']);
  });

  it('takes a header that was sent twice for one that differs', async () => {
    const http = open();
    const headers = { 'mcp-name': ['echo', 'echo'] };
    expect(await http.modern('tools/call', { name: 'echo' }, { headers })).toMatchObject(mismatch);
  });

  it('decodes a name that is no ASCII', async () => {
    const http = open();
    const headers = { 'mcp-name': sentinel('écho') };
    const answer = await http.modern('tools/call', { name: 'écho' }, { headers });
    expect(answer).toMatchObject({ status: 200, error: { code: -32602 } });
    expect(http.recordOf(answer)).toMatchObject({ operation: 'écho', outcome: 'NOT_FOUND' });
  });
});

const ask = (given: object, headers: Readonly<Record<string, string | readonly string[]>> = {}, name = 'routed') =>
  open().modern('tools/call', { name, arguments: given }, { headers });

describe('headers of arguments', () => {
  it.each([
    ['the same text', { server: 'shop' }, { 'mcp-param-server': 'shop' }],
    ['the text encoded', { server: 'größe' }, { 'mcp-param-server': sentinel('größe') }],
    ['a number', { limit: 42 }, { 'mcp-param-limit': '42' }],
    ['the number with a fraction', { limit: 42 }, { 'mcp-param-limit': '42.0' }],
    ['a truth value', { exact: true }, { 'mcp-param-exact': 'true' }],
    ['a header without its argument', {}, { 'mcp-param-server': 'billing' }],
    ['a header that nobody declared', { server: 'shop' }, { 'mcp-param-server': 'shop', 'mcp-param-other': 'x' }],
  ])('are taken: %s', async (_, given, headers) => {
    expect(await ask(given, headers)).toMatchObject({ status: 200, result: { structuredContent: given } });
  });

  it.each([
    ['another text', { server: 'shop' }, { 'mcp-param-server': 'billing' }],
    ['other case', { server: 'shop' }, { 'mcp-param-server': 'Shop' }],
    ['no header', { server: 'shop' }, {}],
    ['one of two', { server: 'shop', limit: 1 }, { 'mcp-param-server': 'shop' }],
    ['no base64', { server: 'shop' }, { 'mcp-param-server': '=?base64?***?=' }],
    ['sent twice', { server: 'shop' }, { 'mcp-param-server': ['shop', 'shop'] }],
    ['another number', { limit: 42 }, { 'mcp-param-limit': '43' }],
    ['a number in another base', { limit: 42 }, { 'mcp-param-limit': '0x2a' }],
    ['another truth value', { exact: true }, { 'mcp-param-exact': '1' }],
  ])('MH-15: are refused: %s', async (_, given, headers) => {
    expect(await ask(given, headers)).toMatchObject({ status: 400, error: { code: -32020 } });
    expect(open().refused).toEqual(['header mismatch']);
    expect(open().events()).toEqual([]);
  });

  it.each([
    ['get_routed', { server: 'billing' }, { 'mcp-param-server': 'shop' }],
    ['route_to', { host: 'billing' }, { 'mcp-param-server': 'shop' }],
    ['route_to', { server: 'billing' }, { 'mcp-param-server': 'shop' }],
    ['route_to', { host: 'shop', server: 'billing' }, { 'mcp-param-server': 'shop' }],
    ['route_to', { host: 'shop', max: 43 }, { 'mcp-param-limit': '42' }],
  ])(
    'MH-15: are refused of who calls by an alias, where they are there and lie: %s(%j)',
    async (name, given, headers) => {
      expect(await ask(given, headers, name)).toMatchObject({ status: 400, error: { code: -32020 } });
      expect(open().events()).toEqual([]);
    },
  );

  it('are taken of who calls by an alias, where they are true', async () => {
    const headers = { 'mcp-param-server': 'shop', 'mcp-param-limit': '42' };
    const answer = await ask({ host: 'shop', max: 42 }, headers, 'route_to');
    expect(answer).toMatchObject({ status: 200, result: { structuredContent: { server: 'shop', limit: 42 } } });
  });

  it('are not wanted of who calls by a name that is not listed, nor in the legacy era', async () => {
    expect(await ask({ server: 'shop' }, {}, 'get_routed')).toMatchObject({ status: 200, result: {} });
    const params = { name: 'routed', arguments: { server: 'shop' } };
    expect(await open().legacy('tools/call', params)).toMatchObject({ status: 200, result: {} });
  });

  it('leave arguments of the wrong type to the call, which is on record', async () => {
    const answer = await ask({ server: ['shop'] });
    expect(answer).toMatchObject({ status: 200, result: { isError: true } });
    expect(open().recordOf(answer)).toMatchObject({ operation: 'routed', outcome: 'INVALID_INPUT' });
  });
});
