import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ENVELOPE, until, useMcpSession } from '../../test/mcp-session.ts';

const open = useMcpSession();

describe('the stream', () => {
  it.each([
    ['{"jsonrpc":', -32700],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    [`"${'x'.repeat(1_100_000)}"`, -32600],
    [`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(70)}${']'.repeat(70)}}}`, -32600],
  ])('answers %.20s with an error, says so in the log without a word of it, and lives on', async (line, code) => {
    const mcp = open();
    mcp.send(line);
    expect(await mcp.answerTo(null)).toMatchObject({ error: { code } });
    expect(await mcp.initialize()).toHaveProperty('result');
    expect(mcp.log.map((text) => JSON.parse(text) as unknown)).toMatchObject([{ code, level: 'warn' }]);
    expect(mcp.log.join()).not.toContain('xxx');
  });

  it('survives a line that is cut at every byte', async () => {
    const mcp = open();
    const line = JSON.stringify({ jsonrpc: '2.0', id: 'ü', method: 'ping', params: {} });
    for (const byte of Buffer.from(`${line}\n`)) mcp.stdin.write(Buffer.from([byte]));
    expect(await mcp.answerTo('ü')).toHaveProperty('result');
  });

  it('refuses a second request of one id while the first is under way', async () => {
    const mcp = open();
    await mcp.initialize();
    mcp.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } });
    mcp.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } });
    expect(await mcp.answerTo(null)).toMatchObject({ error: { code: -32600 } });
    expect(mcp.received.some(({ id }) => id === 1)).toBe(false);
  });

  it('answers what was asked before the input ended', async () => {
    const mcp = open();
    mcp.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', _meta: ENVELOPE } });
    mcp.stdin.end();
    await mcp.session.closed;
    expect(mcp.received).toMatchObject([{ id: 1, result: { content: [{}] } }]);
  });

  it('cancels what runs when the input ends, and is closed when that is on record', async () => {
    const mcp = open();
    await mcp.initialize();
    mcp.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } });
    await mcp.ask('ping');
    const start = performance.now();
    mcp.stdin.end();
    await mcp.session.closed;
    expect(performance.now() - start).toBeLessThan(5000);
    expect(mcp.events().at(-1)).toMatchObject({ operation: 'wait', kind: 'ended', outcome: 'CANCELLED' });
  });

  it('cancels what runs when nobody reads any more', async () => {
    const mcp = open();
    await mcp.initialize();
    mcp.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } });
    await mcp.ask('ping');
    mcp.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await mcp.session.closed;
    expect(mcp.events().at(-1)).toMatchObject({ operation: 'wait', outcome: 'CANCELLED' });
  });

  it('reads no more while its answers are not taken', async () => {
    const mcp = open({ stdout: new PassThrough({ highWaterMark: 1000 }) });
    mcp.stdout.pause();
    for (let i = 0; i < 20_000; i++)
      mcp.send({ jsonrpc: '2.0', id: i, method: 'ping', params: { filler: 'x'.repeat(50) } });
    await sleep(300);
    expect(mcp.stdout.writableLength + mcp.stdout.readableLength).toBeLessThan(200_000);
    expect(mcp.stdin.isPaused()).toBe(true);
    mcp.stdout.resume();
    await until(() => (mcp.received.length === 20_000 ? true : undefined), 15_000);
  });

  it('writes nothing but messages', async () => {
    const mcp = open();
    await mcp.initialize();
    mcp.send('garbage', '', '   ', '\r', { jsonrpc: '2.0', id: 1, result: {} });
    await mcp.ask('tools/call', { name: 'missing' });
    expect(mcp.received.every((message) => 'jsonrpc' in message)).toBe(true);
  });
});
