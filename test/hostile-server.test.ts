/** What a server says may be wrong in any way: then the call fails, and nothing else. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticate } from '../src/postgres/authenticate.ts';
import { Wire } from '../src/postgres/wire.ts';

function message(code: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1')));
  const head = Buffer.alloc(5);
  head.write(code, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

const int16 = (n: number) => Buffer.from([n >> 8, n & 255]);
const READY = message('Z', 'I');
const WELCOME = Buffer.concat([message('R', '\0\0\0\0'), message('K', '\0\0\0\x01\0\0\0\x02'), READY]);
const COLUMN = Buffer.concat([Buffer.from('n\0'), Buffer.alloc(6), Buffer.from([0, 0, 0, 25]), Buffer.alloc(8)]);
const ANSWER = Buffer.concat([
  message('1'),
  message('2'),
  message('T', int16(1), COLUMN),
  message('D', int16(1), '\0\0\0\x02ok'),
  message('C', 'SELECT 1\0'),
  READY,
]);

/** Numbers that look random and are the same in every run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Changes some bytes, and sometimes leaves out the end. */
function damage(bytes: Buffer, random: () => number): Buffer {
  const damaged = Buffer.from(bytes);
  const changes = 1 + Math.floor(random() * 4);
  for (let i = 0; i < changes; i++) damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
  return random() < 0.2 ? damaged.subarray(0, Math.floor(random() * damaged.length)) : damaged;
}

describe('a hostile server', () => {
  let server: Server;
  /** Welcomes, then answers the next thing that it is told with this, and hangs up. */
  let answer: Buffer = ANSWER;
  let welcome: Buffer = WELCOME;
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(welcome);
        if (welcome === WELCOME) socket.once('data', () => socket.end(answer));
        else socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  async function ask(): Promise<unknown> {
    const socket: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    const login = {
      user: 'x',
      database: 'x',
      password: () => Promise.resolve('x'),
      channelBinding: false,
      maxMessageBytes: 1_000_000,
    };
    const wire = new Wire(await authenticate(socket, login, AbortSignal.timeout(5000)), {
      endpoint: { host: '127.0.0.1', port: 1 },
      named: true,
      maxResultBytes: 1_000_000,
    });
    const outcome = await wire.exchange([{ text: 'select', values: [] }]).then(
      ([result]) => result?.rows,
      () => 'failed',
    );
    await wire.ended;
    return outcome;
  }

  it('is heard when it speaks well', async () => {
    answer = ANSWER;
    expect(await ask()).toEqual([['ok']]);
  });

  it('that says anything at all only makes the call fail', async () => {
    const random = randomNumbers(1);
    let failed = 0;
    for (let round = 0; round < 300; round++) {
      answer = damage(ANSWER, random);
      if ((await ask()) === 'failed') failed++;
    }
    expect(failed).toBeGreaterThan(100);
  });

  it('that welcomes us with anything at all only makes the login fail', async () => {
    const random = randomNumbers(2);
    answer = ANSWER;
    for (let round = 0; round < 300; round++) {
      welcome = damage(WELCOME, random);
      await ask().catch(() => undefined);
    }
    welcome = WELCOME;
    expect(await ask()).toEqual([['ok']]);
  });

  it('that answers what nobody has asked is not believed', async () => {
    answer = Buffer.concat([ANSWER, ANSWER, READY, READY]);
    expect(await ask()).toEqual([['ok']]);
  });

  it('that speaks of a failure without end has the connection dropped', async () => {
    answer = message('E', 'SERROR\0', 'M', Buffer.alloc(2_000_000, 'x'), '\0\0');
    expect(await ask()).toBe('failed');
  });
});
