/** SIGTERM: what was accepted is answered, what is new is refused, and it ends. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { EventStream } from '../src/mcp/http/endpoint.ts';
import { ANSWER, ask, call, callText, CALL, dial, useSites, until, type Site, type SiteOptions } from './http-kit.ts';

const open = useSites();

const answerAfter =
  (ms: number): NonNullable<SiteOptions['handle']> =>
  async ({ reply }) => {
    await sleep(ms);
    reply.send(200, ANSWER);
  };

it('answers what is under way, tells its connection to close, and takes no new one', async () => {
  const site = await open({ handle: answerAfter(300) });
  const underWay = call(site, { headers: { connection: 'keep-alive' } });
  await until(() => site.exchanges.length === 1);
  const drained = site.drain();
  await sleep(50);
  await expect(call(site)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await underWay).toMatchObject({ status: 200, body: ANSWER, headers: { connection: 'close' } });
  await drained;
});

it('is not ready while it drains, for whoever still has a connection', async () => {
  const site = await open({ limits: { drainIdleMs: 200 } });
  const socket = await dial(site.port);
  const heard: string[] = [];
  socket.on('data', (data: Buffer) => heard.push(data.toString()));
  socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until(() => heard.length === 1);
  const drained = site.drain();
  socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await Promise.all([drained, once(socket, 'close')]);
  expect(heard.join('').match(/HTTP\/1.1 \d+|Connection: .*/g)).toEqual([
    'HTTP/1.1 200',
    'Connection: keep-alive',
    'HTTP/1.1 503',
    'Connection: close',
  ]);
});

it('does not wait for idle connections, nor for those that never said anything', async () => {
  const site = await open();
  const agent = new Agent({ keepAlive: true });
  await new Promise((resolve) => {
    request(`${site.url}/healthz`, { agent }, (response) => response.resume().on('end', resolve)).end();
  });
  await dial(site.port);
  const started = performance.now();
  await site.drain();
  expect(performance.now() - started).toBeLessThan(1000);
  agent.destroy();
});

it('ends subscriptions with their result', async () => {
  let stream: EventStream | undefined;
  const site = await open({
    handle: ({ reply }) => {
      stream = reply.stream();
      void stream.write('data: {"subscribed":true}\n\n');
    },
    onClose: () => {
      void stream?.write('data: {"result":{}}\n\n');
      stream?.end();
    },
  });
  const listening = call(site);
  await until(() => site.exchanges.length === 1);
  await site.drain();
  expect(await listening).toMatchObject({
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
      'cache-control': 'no-store, no-transform',
    },
    body: 'data: {"subscribed":true}\n\ndata: {"result":{}}\n\n',
  });
});

it('ends by force what does not end', async () => {
  const site = await open({ handle: () => new Promise(() => undefined), limits: { drainMs: 200 } });
  const hanging = call(site).catch((error: NodeJS.ErrnoException) => error.code);
  await until(() => site.exchanges.length === 1);
  await site.drain();
  expect(await hanging).toBe('ECONNRESET');
  await until(() => site.exchanges[0]?.signal.aborted === true);
});

it('puts the refusals of the last minute on record', async () => {
  const site = await open();
  await ask(site, { path: '/nothing' });
  expect(await site.refused()).toMatchObject([{ kind: 'refused', outcome: 'NOT_FOUND' }]);
});

it.each([
  ['connections that are kept', true],
  ['a connection for each call', false],
])('fails no call that was accepted, under load over %s', async (_, keepAlive) => {
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < 5; round++) {
    const site = await open({ handle: answerAfter(2), limits: { drainIdleMs: 200 } });
    const agent = new Agent({ keepAlive, maxSockets: 16 });
    let ended = false;
    const clients = Array.from({ length: 16 }, async () => {
      while (!ended) {
        const outcome = await callOver(agent, site);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        ended ||= outcome === 'ECONNREFUSED';
      }
    });
    await until(() => site.exchanges.length > 200);
    await site.drain();
    await Promise.all(clients);
    agent.destroy();
  }
  const { 200: answered = 0, ECONNREFUSED: refused = 0, ...others } = outcomes;
  expect(others).toEqual({});
  expect(refused).toBeGreaterThan(0);
  expect(answered).toBeGreaterThan(1000);
});

/** The status; or the code of the error, where the connection was never made. */
function callOver(agent: Agent, site: Site): Promise<string> {
  const headers = { authorization: `Bearer ${site.key}`, 'content-type': 'application/json' };
  return new Promise((resolve) => {
    const outgoing = request(`${site.url}/mcp`, { agent, method: 'POST', headers }, (response) => {
      response.resume().on('end', () => resolve(String(response.statusCode)));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const { code = 'error' } = error;
      resolve(outgoing.reusedSocket ? `${code} on a kept connection` : code);
    });
    outgoing.end(CALL);
  });
}

it('keeps an unfinished request head from being cut off while it is arriving', async () => {
  const site = await open();
  const socket = await dial(site.port);
  const heard: string[] = [];
  socket.on('data', (data: Buffer) => heard.push(data.toString()));
  const text = callText(site);
  socket.write(text.slice(0, 40));
  await sleep(50);
  const drained = site.drain();
  await sleep(200);
  socket.write(text.slice(40));
  await Promise.all([drained, once(socket, 'close')]);
  expect(heard.join('')).toMatch(/^HTTP\/1.1 200 [^]*Connection: close/);
});
