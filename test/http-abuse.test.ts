/** Clients that are slow, silent, greedy or many: what they cost is bounded, and others are served meanwhile. */
import { createHmac } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventStream, McpExchange } from '../src/mcp/http/endpoint.ts';
import { ANSWER, ask, call, callText, CALL, dial, talk, until, useSites, type Reply, type Site } from './http-kit.ts';

const open = useSites();
let sockets: Socket[] = [];
const connect = async (site: Site): Promise<Socket> => {
  const socket = await dial(site.port);
  sockets.push(socket);
  return socket;
};
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
});

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve).resume());
const HEAD = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

describe('connections', () => {
  it('MH-18: 1,000 that say nothing are closed in time, cost little, and keep nobody out', async () => {
    const site = await open({ limits: { headersTimeoutMs: 1000, checkIntervalMs: 100 } });
    const before = process.memoryUsage().rss;
    const idle = await Promise.all(Array.from({ length: 1000 }, () => connect(site)));
    const allClosed = Promise.all(idle.map(closed));
    expect(await call(site)).toMatchObject({ status: 200 });
    // both ends of each are in this process
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    await allClosed;
    expect(await site.reasons()).toEqual({ too_slow: 1000 });
  });

  it('are not more than the limit', async () => {
    const answers: (() => void)[] = [];
    const handle = ({ reply }: McpExchange) =>
      new Promise<void>((resolve) => {
        answers.push(() => {
          reply.send(200, ANSWER);
          resolve();
        });
      });
    const site = await open({ limits: { connections: 3 }, handle });
    const calls: Promise<Reply>[] = [];
    while (calls.length < 3) {
      calls.push(call(site));
      await until(() => answers.length === calls.length);
    }
    await closed(await connect(site));
    for (const answer of answers) answer();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('MH-18: that are held and not used keep nobody out, and cut off no call', async () => {
    let answer: (() => void) | undefined;
    const handle = ({ reply }: McpExchange) =>
      new Promise<void>((resolve) => {
        answer = () => {
          reply.send(200, ANSWER);
          resolve();
        };
      });
    const site = await open({ limits: { connections: 20 }, handle });
    const slow = call(site);
    await until(() => answer !== undefined);
    const held: Socket[] = [];
    for (let i = 0; i < 60; i++) {
      const socket = await connect(site);
      const heard = new Promise((resolve) => socket.once('data', resolve));
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await heard;
      held.push(socket);
    }
    expect(await ask(site, { path: '/healthz' })).toMatchObject({ status: 200 });
    await until(() => held.filter(({ destroyed }) => destroyed).length >= 40);
    expect(held.at(-1)?.destroyed).toBe(false);
    answer?.();
    expect(await slow).toMatchObject({ status: 200 });
  });
});

describe('a slow request', () => {
  it.each([
    [
      'headers',
      { headersTimeoutMs: 400, requestTimeoutMs: 5000 },
      () => 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
    ],
    [
      'body',
      { headersTimeoutMs: 300, requestTimeoutMs: 400 },
      (key: string) => `${HEAD}Authorization: Bearer ${key}\r\nContent-Length: 1000\r\n\r\n`,
    ],
  ])('MH-18: whose %s come byte by byte is answered 408 and closed, and others are served', async (_, times, start) => {
    const site = await open({ limits: { ...times, checkIntervalMs: 50 } });
    const slow = await Promise.all(Array.from({ length: 50 }, () => connect(site)));
    const heard = slow.map((socket) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk)).write(start(site.key));
      const timer = setInterval(() => socket.write('a'), 50);
      return new Promise<string>((resolve) => {
        socket.once('close', () => {
          clearInterval(timer);
          resolve(Buffer.concat(chunks).toString());
        });
      });
    });
    expect(await call(site)).toMatchObject({ status: 200 });
    const statuses = new Set((await Promise.all(heard)).map((text) => text.split('\r\n', 1)[0]));
    expect([...statuses]).toEqual(['HTTP/1.1 408 Request Timeout']);
    expect(site.exchanges).toHaveLength(1);
    expect(await site.reasons()).toEqual({ too_slow: 50 });
  });

  it('MH-18: whose body comes in a million chunks of a byte costs what its bytes cost', async () => {
    const site = await open();
    const socket = await connect(site);
    const answered = new Promise<string>((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString())));
    socket.write(`${HEAD}Authorization: Bearer ${site.key}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const before = process.memoryUsage().rss;
    socket.write(`${'1\r\na\r\n'.repeat(1_000_000)}0\r\n\r\n`);
    expect(await answered).toMatch(/^HTTP\/1.1 200 /);
    expect(site.exchanges[0]?.body.byteLength).toBe(1_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  it('is refused while too much is being received, and served afterwards', async () => {
    const site = await open({ limits: { receivingBytes: 1000 } });
    const greedy = await connect(site);
    greedy.write(`${HEAD}Authorization: Bearer ${site.key}\r\nContent-Length: 2000\r\n\r\n${'a'.repeat(900)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await call(site, { body: ' '.repeat(500) })).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    greedy.destroy();
    await closed(greedy);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await call(site, { body: ' '.repeat(500) })).toMatchObject({ status: 200 });
  });
});

describe('a client that leaves', () => {
  it('in the middle of its body is forgotten', async () => {
    const site = await open({ metrics: true });
    for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.destroy()]) {
      const socket = await connect(site);
      socket.write(`${HEAD}Authorization: Bearer ${site.key}\r\nContent-Length: 100\r\n\r\n{`);
      await new Promise((resolve) => setTimeout(resolve, 30));
      leave(socket);
      await closed(socket);
    }
    expect(await connectionsOf(site)).toBe(0);
    expect(site.exchanges).toEqual([]);
  });

  it('while its call is under way cancels it', async () => {
    const site = await open({ handle: () => new Promise(() => undefined) });
    const socket = await connect(site);
    socket.write(callText(site));
    await until(() => site.exchanges.length === 1);
    const { signal } = site.exchanges[0] ?? {};
    expect(signal?.aborted).toBe(false);
    socket.destroy();
    await until(() => signal?.aborted === true);
  });

  it('before anyone asked whether it is there is known to have left', async () => {
    const site = await open({ handle: () => new Promise(() => undefined) });
    const socket = await connect(site);
    socket.write(callText(site));
    await until(() => site.exchanges.length === 1);
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(site.exchanges[0]?.signal.aborted).toBe(true);
  });

  it('after its answer cancels nothing', async () => {
    const site = await open();
    await call(site);
    expect(site.exchanges[0]?.signal.aborted).toBe(false);
  });
});

async function connectionsOf({ metricsUrl = '' }: Site): Promise<number> {
  const { body } = await ask({ url: new URL(metricsUrl).origin }, { path: '/metrics' });
  return Number(/^howdah_http_connections (\d+)$/m.exec(body)?.[1]);
}

describe('a client that never reads', () => {
  const LARGE = 'x'.repeat(16_000_000);

  it('is cut off after the time it has for an answer', async () => {
    const site = await open({
      handle: ({ reply }) => reply.send(200, LARGE),
      limits: { writeTimeoutMs: 300 },
    });
    const socket = await connect(site);
    socket.pause().write(callText(site));
    await until(() => site.exchanges.length === 1);
    const { signal } = site.exchanges[0] ?? {};
    await until(() => signal?.aborted === true, 5000);
    expect((await call(site)).body).toHaveLength(LARGE.length);
  });

  it('gives way when too much waits for all of them: who has let it wait longest', async () => {
    const site = await open({
      handle: ({ reply, headers }) => reply.send(200, headers['x-large'] === undefined ? ANSWER : LARGE),
      limits: { unreadBytes: 40_000_000 },
    });
    const greedy = [await connect(site), await connect(site), await connect(site), await connect(site)];
    for (const [i, socket] of greedy.entries()) {
      socket.pause().write(callText(site, { headers: 'X-Large: 1\r\n' }));
      await until(() => site.exchanges.length === i + 1);
    }
    const signals = site.exchanges.map(({ signal }) => signal);
    await until(() => signals.filter(({ aborted }) => aborted).length === 2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, false]);
    expect(await call(site)).toMatchObject({ status: 200, body: ANSWER });
  });

  it.each([
    ['lets more than its share wait', { unreadStreamBytes: 100_000 }],
    ['takes too long for it', { writeTimeoutMs: 200 }],
  ])('has its event stream cut off when it %s', async (_, limits) => {
    let stream: EventStream | undefined;
    const site = await open({
      limits,
      handle: ({ reply, headers }) => {
        if (headers['x-stream'] === undefined) reply.send(200, ANSWER);
        else stream = reply.stream();
      },
    });
    const socket = await connect(site);
    socket.pause().write(callText(site, { headers: 'X-Stream: 1\r\n' }));
    await until(() => stream !== undefined);
    const { signal } = site.exchanges[0] ?? {};
    let unheard = 0;
    let frames = 0;
    const timer = setInterval(() => {
      unheard += 1;
      frames += 1;
      void stream?.write(`data: ${'x'.repeat(200_000)}\n\n`).then(() => (unheard -= 1));
    }, 5);
    await until(() => signal?.aborted === true);
    clearInterval(timer);
    // what the kernel takes of it, and not what waits for all clients
    expect(frames).toBeLessThan(150);
    // whoever waits for room hears of the end
    await until(() => unheard === 0);
    expect(await call(site)).toMatchObject({ status: 200 });
  });
});

function pipeline(site: Site, count: number): Promise<string> {
  const last = callText(site, { headers: 'Connection: close\r\n' });
  return talk(site.port, callText(site).repeat(count - 1) + last);
}

describe('pipelined requests', () => {
  it('are answered in their order', async () => {
    let n = 0;
    const site = await open({
      handle: async ({ reply }) => {
        const id = ++n;
        await new Promise((resolve) => setTimeout(resolve, 50 - 10 * id));
        reply.send(200, JSON.stringify({ id }));
      },
    });
    expect((await pipeline(site, 4)).match(/\{"id":\d\}/g)).toEqual(['{"id":1}', '{"id":2}', '{"id":3}', '{"id":4}']);
  });

  it('close the connection when there are too many', async () => {
    const site = await open({ handle: () => new Promise(() => undefined), limits: { pipelined: 4 } });
    expect(await pipeline(site, 6)).toBe('');
    expect(site.exchanges.length).toBeLessThanOrEqual(4);
    for (const { signal } of site.exchanges) expect(signal.aborted).toBe(true);
    expect(await site.reasons()).toEqual({ pipelined: 1 });
  });
});

describe('too many requests', () => {
  it('of one address are told when to come back, whoever they come as', async () => {
    const site = await open({ http: { requests_per_minute: 5 } });
    const statuses: number[] = [];
    for (const authorization of ['', 'Bearer a', `Bearer ${site.key}`, '', `Bearer ${site.key}`]) {
      statuses.push((await call(site, { headers: { authorization } })).status);
    }
    expect(statuses).toEqual([401, 401, 200, 401, 200]);
    const refused = await call(site);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(12);
    expect(await call(site, { localAddress: '127.0.0.2' })).toMatchObject({ status: 200 });
    expect(await site.refused()).toMatchObject([
      { source_address: '127.0.0.1', details: { reasons: { too_many_requests: 1 } } },
    ]);
  });

  it('OP-05: are not hidden by a new key, client or X-Forwarded-For for each', async () => {
    const site = await open({ http: { requests_per_minute: 3 } });
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        call(site, {
          headers: {
            'x-forwarded-for': `203.0.113.${i}`,
            forwarded: `for=203.0.113.${i}`,
            'user-agent': `client ${i}`,
          },
        }),
      ),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(await site.refused()).toMatchObject([
      { source_address: '127.0.0.1', outcome: 'RATE_LIMITED', details: { reasons: { too_many_requests: 5 } } },
    ]);
  });

  it('AK-06: with guessed keys wait twice as long each time, are one event, and keep no valid key out', async () => {
    const site = await open();
    const waits: (string | undefined)[] = [];
    for (let i = 0; i < 24; i++) {
      const guess = `hdh_${createHmac('sha256', 'guess').update(String(i)).digest('hex').slice(0, 12)}_x_y`;
      const { status, headers } = await call(site, { headers: { authorization: `Bearer ${guess}` } });
      expect(status).toBe(i < 10 ? 401 : 429);
      waits.push(headers['retry-after']);
    }
    const doubling = ['1', '2', '4', '8', '16', '32', '64', '128', '256', '300', '300', '300', '300', '300'];
    expect(waits.slice(10)).toEqual(doubling);
    expect(await call(site)).toMatchObject({ status: 200 });
    const events = await site.refused();
    expect(events).toMatchObject([{ details: { reasons: { unrecognized: 10, too_many_failures: 14 } } }]);
    expect(JSON.stringify(events)).not.toContain('hdh_');
  });
});

it('a small refused body does not cost the connection', async () => {
  const site = await open();
  const text = `${HEAD}Content-Length: ${CALL.length}\r\n\r\n${CALL}`;
  const answers = await talk(site.port, `${text}${callText(site, { headers: 'Connection: close\r\n' })}`);
  expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200']);
});
