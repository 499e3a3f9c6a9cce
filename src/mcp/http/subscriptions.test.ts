import { expect, it } from 'vitest';
import { useMcpHttp, type Exchange, type McpHttp, type PostOptions, headersFor } from '../../../test/mcp-exchange.ts';
import { ENVELOPE, until } from '../../../test/mcp-session.ts';

const open = useMcpHttp();

const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
const LISTEN = 'subscriptions/listen';
const ID = 'io.modelcontextprotocol/subscriptionId';

function listen(http: McpHttp, notifications: unknown = ALL, options: PostOptions & { id?: unknown } = {}): Exchange {
  const { id = 'sub-1', ...rest } = options;
  const message = { jsonrpc: '2.0', id, method: LISTEN, params: { notifications, _meta: ENVELOPE } };
  return http.post(message, { headers: headersFor(LISTEN), ...rest });
}

/** Waits for the acknowledgement. */
async function opened(exchange: Exchange): Promise<Exchange> {
  await until(() => exchange.events()[0]);
  return exchange;
}

const methods = (exchange: Exchange) => exchange.events().map(({ method }) => method);

it('acknowledges first, with what it will tell, and is on record', async () => {
  const exchange = await opened(listen(open(), { ...ALL, promptsListChanged: false }));
  const [acknowledged] = exchange.events();
  expect(acknowledged).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: {
      notifications: { toolsListChanged: true, resourcesListChanged: true },
      _meta: { [ID]: 'sub-1', 'howdah/call_id': expect.any(String) },
    },
  });
  expect(acknowledged?.params?.['notifications']).not.toHaveProperty('promptsListChanged');
  expect(open().events()).toMatchObject([{ kind: 'opened' }, { operation: LISTEN, outcome: 'OK', transport: 'http' }]);
});

it('tells of the lists that were asked for, under the id of the subscription, and of no other', async () => {
  const http = open();
  const tools = await opened(listen(http, { toolsListChanged: true }, { id: 5 }));
  const rest = await opened(listen(http, { promptsListChanged: true, resourcesListChanged: true }));
  http.endpoint.listsChanged();
  expect(methods(tools).slice(1)).toEqual(['notifications/tools/list_changed']);
  expect(methods(rest).slice(1)).toEqual([
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
  ]);
  expect(tools.events()[1]?.params).toMatchObject({ _meta: { [ID]: 5 } });
});

it('tells a client that does not read of each list once', async () => {
  const http = open();
  const exchange = await opened(listen(http, ALL, { doesNotRead: true }));
  for (let time = 0; time < 1000; time++) http.endpoint.listsChanged();
  expect(exchange.events()).toHaveLength(4);
  exchange.read();
  await until(() => {
    http.endpoint.listsChanged();
    return exchange.events().length >= 7 ? true : undefined;
  });
});

it('PE-08: promises nothing about single resources, whoever asks', async () => {
  const exchange = listen(open(), { ...ALL, resourceSubscriptions: ['pg://shop/hr/public/salaries'] });
  await opened(exchange);
  expect(JSON.stringify(exchange.events())).not.toContain('salaries');
});

it.each([{}, { toolsListChanged: false }, { resourceSubscriptions: ['pg://a/b/c/d'] }])(
  'ends at once where there is nothing to tell: %j',
  async (notifications) => {
    const exchange = listen(open(), notifications);
    await exchange.done;
    expect(exchange.events()).toMatchObject([
      { method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } },
      { id: 'sub-1', result: { resultType: 'complete', _meta: { [ID]: 'sub-1' } } },
    ]);
    expect(exchange.hasEnded()).toBe(true);
  },
);

it.each([undefined, null, [], 'all', { toolsListChanged: 'yes' }])(
  'refuses a filter that is none: %j',
  async (filter) => {
    const http = open();
    const answer = await http.modern(LISTEN, { notifications: filter });
    expect(answer).toMatchObject({ status: 200, error: { code: -32602 } });
    expect(http.recordOf(answer)).toMatchObject({ operation: LISTEN, outcome: 'INVALID_INPUT' });
  },
);

it('ends with its result when the endpoint closes, and other exchanges go on', async () => {
  const http = open();
  const exchange = await opened(listen(http));
  const call = http.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } });
  http.endpoint.close();
  await exchange.done;
  expect(exchange.events().at(-1)).toMatchObject({
    id: 'sub-1',
    result: {
      resultType: 'complete',
      _meta: { [ID]: 'sub-1', 'io.modelcontextprotocol/serverInfo': { name: 'howdah' } },
    },
  });
  expect([exchange.hasEnded(), call.status()]).toEqual([true, undefined]);
  http.endpoint.listsChanged();
  expect(exchange.events()).toHaveLength(2);
  const late = listen(http);
  await late.done;
  expect([late.hasEnded(), late.events().length]).toEqual([true, 2]);
});

it('ends without a word when the client leaves', async () => {
  const http = open();
  const exchange = await opened(listen(http));
  exchange.leave();
  await exchange.done;
  http.endpoint.listsChanged();
  http.endpoint.close();
  expect(exchange.events()).toHaveLength(1);
});

it('is had sixteen times by a principal, and again when one is given back', async () => {
  const http = open();
  const own: Exchange[] = [];
  while (own.length < 16) own.push(await opened(listen(http)));
  expect(await http.modern(LISTEN, { notifications: ALL })).toMatchObject({
    status: 200,
    error: { code: 429, data: { code: 'RATE_LIMITED' } },
  });
  expect(http.refused).toEqual(['too many subscriptions']);
  await opened(listen(http, ALL, { user: 'eve' }));
  own[0]?.leave();
  await own[0]?.done;
  expect((await opened(listen(http))).status()).toBe(200);
});

it('is not had in the legacy era', async () => {
  const answer = await open().legacy(LISTEN, { notifications: ALL });
  expect(answer).toMatchObject({ status: 200, error: { code: -32601 } });
});
