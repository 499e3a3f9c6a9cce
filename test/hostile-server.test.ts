/** What a server says may be wrong in any way: then the call fails, and nothing else. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticate } from '../src/postgres/authenticate.ts';
import { Wire } from '../src/postgres/wire.ts';
import { HEADER, message, READY, row, WELCOME } from './backend-messages.ts';

const DONE = Buffer.concat([message('C', 'SELECT 1\0'), READY]);
const ANSWER = Buffer.concat([message('1'), message('2'), HEADER, row('ok'), DONE]);
/** To a command of the simple protocol. */
const SHOWN = Buffer.concat([HEADER, row('ok'), DONE]);

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

const first = <T>([value]: readonly T[]) => value;

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

  async function ask(simply = false): Promise<unknown> {
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
    const asked = simply ? wire.command('SHOW POOLS') : wire.exchange([{ text: 'select', values: [] }]).then(first);
    const outcome = await asked.then(
      (result) => result?.rows,
      () => 'failed',
    );
    await wire.ended;
    return outcome;
  }

  it('is heard when it speaks well', async () => {
    answer = ANSWER;
    expect(await ask()).toEqual([['ok']]);
    answer = SHOWN;
    expect(await ask(true)).toEqual([['ok']]);
  });

  it.each([
    ['a statement', ANSWER, false],
    ['a command', SHOWN, true],
  ])('that says anything at all to %s only makes the call fail', async (_, sound, simply) => {
    const random = randomNumbers(1);
    let failed = 0;
    for (let round = 0; round < 300; round++) {
      answer = damage(sound, random);
      if ((await ask(simply)) === 'failed') failed++;
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

  it.each([
    ['of one row', message('D', Buffer.alloc(2_000_000))],
    ['of many rows', Buffer.concat(Array.from({ length: 10_000 }, () => row('x'.repeat(200))))],
  ])('that answers a command with too much %s has the connection dropped', async (_, rows) => {
    answer = Buffer.concat([HEADER, rows, DONE]);
    expect(await ask(true)).toBe('failed');
  });

  it('that speaks of a failure without end has the connection dropped', async () => {
    answer = message('E', 'SERROR\0', 'M', Buffer.alloc(2_000_000, 'x'), '\0\0');
    expect(await ask()).toBe('failed');
  });
});
