/** SIGTERM: what was accepted is answered, what is new is refused, and it ends. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
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

const ANSWERED = /HTTP\/1.1 200|Connection: [a-z-]+/g;

/** What comes on a connection. */
function hear(socket: Socket): () => string {
  let heard = '';
  socket.on('data', (data: Buffer) => (heard += data.toString()));
  return () => heard;
}

/** A connection that has had an answer and is kept. */
async function keep(site: Site, socket: Socket): Promise<() => string> {
  const heard = hear(socket);
  socket.write(callText(site));
  await until(() => heard().includes(ANSWER));
  return heard;
}

/** A client that does not end its side when the server does. */
const dialHalfOpen = ({ port }: Site): Socket =>
  connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);

it('answers what comes within the idle time on a connection that was idle when it began', async () => {
  const site = await open({ limits: { drainIdleMs: 1000 } });
  const socket = await dial(site.port);
  const heard = await keep(site, socket);
  const drained = site.drain();
  await refusesConnections(site);
  await sleep(100);
  socket.write(callText(site));
  await Promise.all([drained, once(socket, 'close')]);
  expect(heard().match(ANSWERED)).toEqual([
    'HTTP/1.1 200',
    'Connection: keep-alive',
    'HTTP/1.1 200',
    'Connection: close',
  ]);
});

async function refusesConnections(site: Site): Promise<void> {
  for (let isRefused = false; !isRefused; await sleep(10)) {
    const socket = await dial(site.port).catch(() => undefined);
    isRefused = socket?.destroy() === undefined;
  }
}

it('answers what had come when the idle time was over, though it was too busy to look', async () => {
  const site = await open({ limits: { drainIdleMs: 500 } });
  const socket = await dial(site.port);
  const heard = await keep(site, socket);
  const drained = site.drain();
  await sleep(100);
  socket.write(callText(site));
  for (const end = performance.now() + 600; performance.now() < end;);
  await Promise.all([drained, once(socket, 'close')]);
  expect(heard().match(/HTTP\/1.1 200/g)).toHaveLength(2);
});

it('leaves the idle time to a connection whose answer ends during the drain and had not told it to close', async () => {
  let stream: EventStream | undefined;
  const handle: SiteOptions['handle'] = ({ reply }) => {
    if (stream) return reply.send(200, ANSWER);
    stream = reply.stream();
    void stream.write('data: {}\n\n');
  };
  const site = await open({ handle, limits: { drainIdleMs: 500 } });
  const socket = await dial(site.port);
  const heard = hear(socket);
  socket.write(callText(site));
  await until(() => heard().includes('data:'));
  const drained = site.drain();
  await sleep(600);
  stream?.end();
  await sleep(100);
  socket.write(callText(site));
  await Promise.all([drained, once(socket, 'close')]);
  expect(heard()).toMatch(/Connection: keep-alive[^]*HTTP\/1.1 200[^]*Connection: close/);
});

it('reads what crosses with the end of an idle connection, serves none of it, and resets nothing', async () => {
  const site = await open({ limits: { drainLingerMs: 5000 } });
  const socket = dialHalfOpen(site);
  const heard = await keep(site, socket);
  const drained = site.drain();
  await once(socket, 'end');
  for (let i = 0; i < 3; i++) {
    socket.write(callText(site));
    await sleep(50);
  }
  const closed = once(socket, 'close');
  socket.end();
  const [hadError] = (await closed) as [boolean];
  await drained;
  expect(hadError).toBe(false);
  expect(heard().match(/HTTP\/1.1/g)).toHaveLength(1);
  expect(site.exchanges).toHaveLength(1);
});

it('does not wait for a client that never ends its side of an idle connection', async () => {
  const site = await open({ limits: { drainLingerMs: 200 } });
  const socket = dialHalfOpen(site);
  await keep(site, socket);
  const started = performance.now();
  await site.drain();
  expect(performance.now() - started).toBeLessThan(1000);
  socket.destroy();
});

it('cuts off no answer that its client reads slowly', async () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result: 'x'.repeat(20_000_000) });
  const site = await open({ handle: ({ reply }) => reply.send(200, body) });
  const socket = await dial(site.port);
  socket.pause();
  socket.write(callText(site));
  await until(() => site.exchanges.length === 1);
  const drained = site.drain();
  await sleep(300);
  const heard = hear(socket.resume());
  await Promise.all([drained, once(socket, 'close')]);
  expect(heard().length).toBeGreaterThan(body.length);
});

it('answers all that were accepted on one connection, and closes it after the last', async () => {
  const site = await open({ handle: answerAfter(100) });
  const socket = await dial(site.port);
  const heard = hear(socket);
  socket.write(callText(site).repeat(3));
  await until(() => site.exchanges.length === 3);
  await Promise.all([site.drain(), once(socket, 'close')]);
  expect(heard().match(ANSWERED)).toEqual([
    'HTTP/1.1 200',
    'Connection: keep-alive',
    'HTTP/1.1 200',
    'Connection: keep-alive',
    'HTTP/1.1 200',
    'Connection: close',
  ]);
});

it('begins nothing on a connection after the answer that ends it', async () => {
  let stream: EventStream | undefined;
  const site = await open({
    handle: async ({ reply }) => {
      await sleep(200);
      stream = reply.stream();
      void stream.write('data: {}\n\n');
    },
  });
  const socket = await dial(site.port);
  const heard = hear(socket);
  socket.write(callText(site));
  await until(() => site.exchanges.length === 1);
  const drained = site.drain();
  await until(() => heard().includes('data:'));
  socket.write(callText(site));
  await sleep(100);
  stream?.end();
  await Promise.all([drained, once(socket, 'close')]);
  expect(heard()).toContain('Connection: close');
  expect(site.exchanges).toHaveLength(1);
});
