import { describe, expect, it } from 'vitest';
import { catalog, until, useMcpSession } from '../../test/mcp-session.ts';

const open = useMcpSession();

const toolNames = catalog.operations
  .filter(({ kind }) => kind === 'tool')
  .map(({ name }) => name)
  .toSorted();

describe('tools/list', () => {
  it('lists what the persona may call, in order, and says how many it keeps back', async () => {
    const mcp = open();
    await mcp.initialize();
    const all = await mcp.ask('tools/list');
    expect(all.result).toMatchObject({ tools: toolNames.map((name) => ({ name })) });
    expect(toolNames).toEqual(expect.arrayContaining(['describe_table', 'echo', 'missing', 'steps', 'wait']));
    expect(all.result).toMatchObject({ _meta: { 'howdah/withheld': 0 } });
    expect(all.result).not.toHaveProperty('ttlMs');
    expect(mcp.recordOf(all)).toMatchObject({ operation: 'tools/list', outcome: 'OK' });
  });

  it('shows a narrower persona less, in the modern era too', async () => {
    const mcp = open({ persona: 'schemas' });
    const { result } = await mcp.askModern('tools/list');
    expect(result).toMatchObject({
      tools: [{ name: 'describe_table' }],
      _meta: { 'howdah/withheld': toolNames.length - 1 },
      cacheScope: 'private',
      resultType: 'complete',
    });
  });

  it('refuses a cursor that it did not give, on record', async () => {
    const mcp = open();
    await mcp.initialize();
    const answer = await mcp.ask('tools/list', { cursor: 'AAAA' });
    expect(answer.error).toMatchObject({ code: -32602, data: { code: 'INVALID_INPUT' } });
    expect(mcp.recordOf(answer)).toMatchObject({ outcome: 'INVALID_INPUT' });
  });
});

describe('tools/call', () => {
  it.each(['legacy', 'modern'])('answers with structured content and a text, on record, in the %s era', async (era) => {
    const mcp = open();
    if (era === 'legacy') await mcp.initialize();
    const answer = await (era === 'legacy' ? mcp.ask : mcp.askModern)('tools/call', {
      name: 'echo',
      arguments: { text: 'hi' },
    });
    expect(answer.result).toMatchObject({
      structuredContent: { findings: [], text: 'hi' },
      content: [{ type: 'text', text: 'text: hi' }],
    });
    expect(answer.result).not.toHaveProperty('isError');
    expect(mcp.recordOf(answer)).toMatchObject({ operation: 'echo', outcome: 'OK', request_id: String(answer.id) });
  });

  it.each(['nothing', '__proto__', 'constructor', 'tools/list', 'audit_tail', '', 7, null])(
    'has no tool %j: an error of the protocol, on record',
    async (name) => {
      const mcp = open();
      await mcp.initialize();
      const answer = await mcp.ask('tools/call', { name, arguments: {} });
      const asked = typeof name === 'string' ? name : '';
      expect(answer.error).toMatchObject({ code: -32602, message: `No operation is named "${asked}".` });
      expect(mcp.recordOf(answer)).toMatchObject({ operation: asked, outcome: 'NOT_FOUND' });
    },
  );

  it.each([
    ['missing', {}, 'NOT_FOUND'],
    ['echo', { txet: 'x' }, 'INVALID_INPUT'],
    ['echo', { text: 7 }, 'INVALID_INPUT'],
    ['echo', ['text'], 'INVALID_INPUT'],
    ['echo', 'text', 'INVALID_INPUT'],
  ])('answers the failure of %s(%j) as a result that is an error', async (name, given, code) => {
    const mcp = open();
    await mcp.initialize();
    const answer = await mcp.ask('tools/call', { name, arguments: given });
    expect(answer.result).toMatchObject({ isError: true });
    expect(answer.result).not.toHaveProperty('structuredContent');
    const { content } = answer.result as { content: { text: string }[] };
    expect(content.map(({ text }) => JSON.parse(text) as unknown)).toMatchObject([
      {
        error: { code, message: expect.any(String), hint: expect.any(String) },
      },
    ]);
    expect(mcp.recordOf(answer)).toMatchObject({ operation: name, outcome: code });
  });

  it('refuses a call that the persona may not make, naming the rule', async () => {
    const mcp = open({ persona: 'schemas' });
    await mcp.initialize();
    const answer = await mcp.ask('tools/call', { name: 'echo' });
    expect(JSON.stringify(answer.result)).toContain('no rule of personas.schemas.tools.allow matches');
    expect(mcp.recordOf(answer)).toMatchObject({ outcome: 'FORBIDDEN', decision: 'deny' });
  });

  it('refuses arguments with a key twice, on record', async () => {
    const mcp = open();
    await mcp.initialize();
    mcp.send(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a","text":"b"}}}',
    );
    const answer = await mcp.answerTo(1);
    expect(answer.result).toMatchObject({ isError: true });
    expect(JSON.stringify(answer.result)).toContain('is given twice');
    expect(mcp.recordOf(answer)).toMatchObject({ operation: 'echo', outcome: 'INVALID_INPUT' });
  });

  it('does not take the word of a client that its arguments are malformed', async () => {
    const mcp = open();
    await mcp.initialize();
    const answer = await mcp.ask('tools/call', { name: 'echo', _meta: { 'howdah/malformed': 'forged' } });
    expect(mcp.recordOf(answer)).toMatchObject({ outcome: 'OK' });
  });

  it('keeps the trace of a caller', async () => {
    const mcp = open();
    await mcp.initialize();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const answer = await mcp.ask('tools/call', { name: 'echo', _meta: { traceparent } });
    expect(mcp.recordOf(answer)).toMatchObject({ trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' });
  });

  it('tells of progress only to who asked, and only of more', async () => {
    const mcp = open();
    await mcp.initialize();
    await mcp.ask('tools/call', { name: 'steps' });
    expect(mcp.received.filter(({ method }) => method !== undefined)).toEqual([]);
    await mcp.ask('tools/call', { name: 'steps', _meta: { progressToken: 'p' } });
    const told = mcp.received.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params);
    expect(told).toEqual(
      [1, 2, 3].map((progress) => ({ progressToken: 'p', progress, total: 3, message: `step ${progress}` })),
    );
    expect(mcp.received.at(-1)).toHaveProperty('result');
  });

  it('is cancelled by its caller, on record and without an answer', async () => {
    const mcp = open();
    await mcp.initialize();
    mcp.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } });
    await mcp.ask('ping');
    mcp.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    const record = await until(() => mcp.events().find((event) => event.operation === 'wait'));
    expect(record).toMatchObject({ kind: 'ended', outcome: 'CANCELLED' });
    await mcp.ask('ping');
    expect(mcp.received.some(({ id }) => id === 1)).toBe(false);
  });
});
