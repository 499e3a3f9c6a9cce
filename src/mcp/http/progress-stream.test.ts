import { afterEach, expect, it, vi } from 'vitest';
import { ACCEPT, headersFor, useMcpHttp } from '../../../test/mcp-exchange.ts';
import { ENVELOPE, until } from '../../../test/mcp-session.ts';

const open = useMcpHttp();
afterEach(() => vi.useRealTimers());

const steps = (progressToken?: unknown) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'steps', arguments: {}, _meta: { progressToken } },
});
const progress = (at: number) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 'p', progress: at, message: `step ${at}`, total: 3 },
});

it('tells what grows, in order, and ends with the result', async () => {
  const { done, events, hasEnded, status } = open().post(steps('p'));
  await done;
  const [one, two, three, result, ...others] = events();
  expect([one, two, three]).toEqual([progress(1), progress(2), progress(3)]);
  expect(result).toMatchObject({ id: 1, result: { structuredContent: { done: true } } });
  expect([others, hasEnded(), status()]).toEqual([[], true, 200]);
  expect(open().recordOf(result)).toMatchObject({ operation: 'steps', outcome: 'OK' });
});

it('has the result of the modern era at its end', async () => {
  const params = { name: 'steps', arguments: {}, _meta: { ...ENVELOPE, progressToken: 0 } };
  const answer = await open().modern('tools/call', params);
  expect(answer).toMatchObject({ id: 7, result: { resultType: 'complete', structuredContent: { done: true } } });
});

it.each([undefined, null, 1.5])('does not open for a token that is none: %j', async (token) => {
  const { done, body, events } = open().post(steps(token));
  await done;
  expect(events()).toEqual([]);
  expect(body()).toHaveProperty(token === undefined ? 'result' : 'error');
});

it('does not open where there is no progress', async () => {
  const { done, body } = open().post({ ...steps('p'), params: { name: 'echo', _meta: { progressToken: 'p' } } });
  await done;
  expect(body()).toMatchObject({ result: { structuredContent: {} } });
});

it('does not open for a client that takes no event stream', async () => {
  const params = { name: 'steps', _meta: { ...ENVELOPE, progressToken: 'p' } };
  const headers = { ...headersFor('tools/call', params), accept: 'application/json' };
  const { done, body } = open().post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { headers });
  await done;
  expect(body()).toMatchObject({ result: { structuredContent: { done: true } } });
});

it('holds little for a client that does not read, and gives it the result when it does', async () => {
  const many = { ...steps('p'), params: { name: 'busy', _meta: { progressToken: 'p' } } };
  const { done, events, hasEnded, read } = open().post(many, { doesNotRead: true });
  let isDone = false;
  void done.then(() => (isDone = true));
  await until(() => (events().at(-1)?.result === undefined ? undefined : true));
  expect(events()).toHaveLength(17);
  expect([hasEnded(), isDone]).toEqual([false, false]);
  read();
  await done;
  expect(hasEnded()).toBe(true);
});

it('goes on to the record when the client leaves in the middle', async () => {
  const http = open();
  const busy = { ...steps('p'), params: { name: 'busy', _meta: { progressToken: 'p' } } };
  const { leave, done, events } = http.post(busy, { doesNotRead: true });
  await until(() => (events().length > 0 ? true : undefined));
  leave();
  await done;
  expect(http.events().at(-1)).toMatchObject({ operation: 'busy', outcome: 'OK' });
});

it('is kept alive while nothing is said, once for a client that does not read', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const http = open();
  const params = { name: 'silent', _meta: { ...ENVELOPE, progressToken: 'p' } };
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  const post = (doesNotRead: boolean) =>
    http.post(message, { doesNotRead, headers: { ...ACCEPT, ...headersFor('tools/call', params) } });
  const [reader, sleeper] = [post(false), post(true)];
  await vi.waitUntil(() => reader.events().length === 1 && sleeper.events().length === 1);
  for (let tick = 0; tick < 3; tick++) {
    vi.advanceTimersByTime(15_000);
    await Promise.resolve();
    await Promise.resolve();
  }
  expect([reader.comments(), sleeper.comments()]).toEqual([3, 1]);
  reader.leave();
  sleeper.leave();
  await Promise.all([reader.done, sleeper.done]);
  expect(vi.getTimerCount()).toBe(0);
});
