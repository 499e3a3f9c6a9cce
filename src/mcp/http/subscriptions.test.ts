import { expect, it, vi } from 'vitest';
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

it('ends with the key that opened it, and is told nothing more', async () => {
  const http = open();
  const [revoked, other] = [await opened(listen(http, ALL, { user: 'eve' })), await opened(listen(http))];
  http.revoke('eve');
  http.endpoint.listsChanged();
  await revoked.done;
  expect(methods(revoked).slice(1)).toEqual([undefined]);
  expect([revoked.events().at(-1)?.id, revoked.hasEnded(), other.hasEnded()]).toEqual(['sub-1', true, false]);
  expect(methods(other)).toHaveLength(4);
});

it('ends when its key is revoked while it is being opened', async () => {
  const http = open();
  const exchange = listen(http, ALL, { user: 'eve' });
  http.revoke('eve');
  await exchange.done;
  expect([exchange.events().length, exchange.hasEnded()]).toEqual([2, true]);
});

it('ends a while after its key has expired, though nothing changes', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const http = open();
    const exchange = await opened(listen(http, ALL, { user: 'eve' }));
    vi.advanceTimersByTime(60_000);
    expect(exchange.hasEnded()).toBe(false);
    http.revoke('eve');
    vi.advanceTimersByTime(15_000);
    await exchange.done;
    expect(exchange.hasEnded()).toBe(true);
  } finally {
    vi.useRealTimers();
  }
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

it.each(['application/json', 'application/json, text/event-stream;q=0'])(
  'opens no stream for who accepts %s',
  async (accept) => {
    const http = open();
    const { done, status, body } = listen(http, ALL, { headers: { ...headersFor(LISTEN), accept } });
    await done;
    expect([status(), body()?.id]).toEqual([406, 'sub-1']);
    expect(http.refused).toEqual(['not acceptable']);
    expect(http.events()).toEqual([]);
  },
);
