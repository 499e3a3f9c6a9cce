import { describe, expect, it } from 'vitest';
import { ACCEPT, headersFor, useMcpHttp } from '../../test/mcp-exchange.ts';
import { catalog, ENVELOPE, useMcpSession, withLogging, type Message } from '../../test/mcp-session.ts';
import { logTo, type LogMessageParams } from './log-messages.ts';

it('passes on what is as urgent as the client wants, and more', () => {
  const told: LogMessageParams[] = [];
  const log = logTo('warning', (params) => told.push(params));
  for (const level of ['debug', 'info', 'notice', 'warning', 'error'] as const) log?.(level, `a ${level}`);
  expect(told).toEqual([
    { level: 'warning', logger: 'howdah', data: 'a warning' },
    { level: 'error', logger: 'howdah', data: 'a error' },
  ]);
});

it.each([undefined, 'loud', 7, null])('tells nothing to a client that names the level %j', (level) => {
  expect(logTo(level, () => {})).toBeUndefined();
});

const chatty = withLogging(catalog);
const openStdio = useMcpSession();
const openHttp = useMcpHttp(chatty);

/** What a client was told beside the answers. */
function said(messages: readonly Message[]): unknown[] {
  return messages.filter(({ method }) => method === 'notifications/message').map(({ params }) => params?.['data']);
}

async function sayOverHttp(name: string, params: object = {}, headers = ACCEPT): Promise<unknown[]> {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, ...params } };
  const { done, events } = openHttp().post(call, { headers });
  await done;
  return said(events());
}

const modern = (level?: string) => ({ _meta: { ...ENVELOPE, 'io.modelcontextprotocol/logLevel': level } });

describe('over stdio', () => {
  it('are offered where a tool declares them, and come from the level on that the session has', async () => {
    const mcp = openStdio({ served: chatty });
    expect((await mcp.initialize()).result).toMatchObject({ capabilities: { logging: {} } });
    await mcp.ask('tools/call', { name: 'talk' });
    expect(said(mcp.received)).toEqual(['a info', 'a notice', 'a warning', 'a error']);
    await mcp.ask('logging/setLevel', { level: 'error' });
    expect(mcp.events().at(-1)).toMatchObject({ operation: 'logging/setLevel', outcome: 'OK' });
    await mcp.ask('logging/setLevel', { level: 'loud' });
    await mcp.ask('tools/call', { name: 'talk' });
    expect(said(mcp.received).slice(4)).toEqual(['a error']);
  });

  it('come to a modern client that names a level with its request, and to no other', async () => {
    const mcp = openStdio({ served: chatty });
    await mcp.ask('tools/call', { name: 'talk', ...modern() });
    expect(said(mcp.received)).toEqual([]);
    await mcp.ask('tools/call', { name: 'talk', ...modern('warning') });
    expect(said(mcp.received)).toEqual(['a warning', 'a error']);
  });

  it('are not offered where no tool declares them', async () => {
    const mcp = openStdio();
    expect((await mcp.initialize()).result?.['capabilities']).not.toHaveProperty('logging');
  });
});

describe('over HTTP', () => {
  it('are offered in both eras where a tool declares them', async () => {
    const opening = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
    for (const answer of [await openHttp().legacy('initialize', opening), await openHttp().modern('server/discover')])
      expect(answer.result).toMatchObject({ capabilities: { logging: {} } });
  });

  it('come before the result', async () => {
    expect(await sayOverHttp('talk')).toEqual(['a info', 'a notice', 'a warning', 'a error']);
    const headers = headersFor('tools/call', { name: 'talk' });
    expect(await sayOverHttp('talk', modern('error'), { ...ACCEPT, ...headers })).toEqual(['a error']);
    expect(await sayOverHttp('talk', modern(), { ...ACCEPT, ...headers })).toEqual([]);
  });

  it('are lost where the tool that sends them does not declare it', async () => {
    expect(await sayOverHttp('mumble')).toEqual([]);
  });
});

describe('over HTTP without a tool that declares them', () => {
  const open = useMcpHttp();

  it('are not offered', async () => {
    const opening = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
    for (const { result } of [await open().legacy('initialize', opening), await open().modern('server/discover')])
      expect(result?.['capabilities']).not.toHaveProperty('logging');
  });
});
