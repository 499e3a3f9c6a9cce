import { describe, expect, it } from 'vitest';
import { catalog, ENVELOPE, useMcpSession } from '../../test/mcp-session.ts';
import { isMethodOf } from './protocol-versions.ts';

const open = useMcpSession();

describe('opening', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])('speaks %s', async (version) => {
    const mcp = open();
    const answer = await mcp.initialize(version);
    expect(answer.result).toMatchObject({
      protocolVersion: version,
      serverInfo: { name: 'howdah', version: '1.2.3' },
      instructions: expect.stringContaining('Howdah'),
    });
    expect(mcp.recordOf(answer)).toMatchObject({
      operation: 'initialize',
      outcome: 'OK',
      protocol_version: version,
      client_name: 'legacy test',
      client_version: '1',
      transport: 'stdio',
      principal_subject: 'ada',
    });
  });

  it.each(['1999-01-01', '2024-10-07', '2031-01-01', '2026-07-28'])(
    'offers its newest to who opens with %s',
    async (version) => {
      const mcp = open();
      expect((await mcp.initialize(version)).result).toMatchObject({ protocolVersion: '2025-11-25' });
    },
  );

  it('refuses an opening that it cannot read', async () => {
    const mcp = open();
    const answer = await mcp.ask('initialize', { protocolVersion: 7 });
    expect(answer.error).toEqual({ code: -32602, message: 'Invalid parameters of initialize.' });
    expect(await mcp.initialize()).toHaveProperty('result');
  });

  it('is discovered in the modern era', async () => {
    const mcp = open();
    const answer = await mcp.askModern('server/discover');
    expect(answer.result).toMatchObject({
      supportedVersions: ['2026-07-28'],
      resultType: 'complete',
      cacheScope: 'private',
      instructions: expect.stringContaining('Howdah'),
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'howdah' } },
    });
    expect(mcp.recordOf(answer)).toMatchObject({
      operation: 'server/discover',
      protocol_version: '2026-07-28',
      client_name: 'modern test',
    });
  });

  it('names the versions that it has to who claims another', async () => {
    const mcp = open();
    const meta = { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' };
    const answer = await mcp.ask('tools/list', { _meta: meta });
    expect(answer.error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'], requested: '2027-01-01' } });
  });

  it('tells nothing to a caller whom no persona is for', async () => {
    const mcp = open({ persona: 'nobody' });
    for (const method of ['initialize', 'tools/list', 'resources/list', 'prompts/list']) {
      const answer = method === 'initialize' ? await mcp.initialize() : await mcp.ask(method);
      expect(answer).toMatchObject({ error: { code: 403, data: { code: 'FORBIDDEN' } } });
      expect(mcp.recordOf(answer)).toMatchObject({ operation: method, outcome: 'FORBIDDEN' });
    }
  });
});

describe('methods', () => {
  /** Every request of either era, by the SDK's own tables. */
  const LEGACY = [
    'ping',
    'initialize',
    'completion/complete',
    'logging/setLevel',
    'prompts/get',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'resources/subscribe',
    'resources/unsubscribe',
    'tools/call',
    'tools/list',
    'tasks/get',
    'tasks/result',
    'tasks/list',
    'tasks/cancel',
    'roots/list',
    'server/discover',
    'subscriptions/listen',
  ];
  const declared = new Set(catalog.operations.filter(({ kind }) => kind === 'method').map(({ name }) => name));

  it('are answered exactly where an operation is declared, but for ping and tools/call', async () => {
    const mcp = open();
    await mcp.initialize();
    const answered = [];
    for (const method of LEGACY) if ((await mcp.ask(method)).error?.code !== -32601) answered.push(method);
    const offered = LEGACY.filter((method) => method === 'ping' || method === 'tools/call' || declared.has(method));
    const expected = offered.filter((method) => isMethodOf('legacy', method));
    expect(answered.toSorted()).toEqual(expected.toSorted());
    expect(answered).toHaveLength(11);
  });

  it.each([
    'resources/read/table',
    'resources/read/tool',
    'completion/complete/database',
    'echo',
    'audit_tail',
    '__proto__',
    'nothing',
  ])('do not have %s among them, which a client asks for by that name', async (method) => {
    const mcp = open();
    await mcp.initialize();
    expect(await mcp.ask(method)).toMatchObject({ error: { code: -32601 } });
  });
});

describe('resources', () => {
  it('offers the documentation of each tool, and tables by their address', async () => {
    const mcp = open({ persona: 'schemas' });
    await mcp.initialize();
    expect((await mcp.ask('resources/list')).result).toMatchObject({
      resources: [{ uri: 'howdah://tools/describe_table' }],
    });
    expect((await mcp.ask('resources/templates/list')).result).toMatchObject({
      resourceTemplates: [
        { uriTemplate: 'howdah://tools/{name}' },
        { uriTemplate: 'pg://{server}/{database}/{schema}/{table}' },
      ],
    });
    const { result } = await mcp.ask('resources/read', { uri: 'howdah://tools/describe_table' });
    expect(result).toMatchObject({
      contents: [{ mimeType: 'text/markdown', text: expect.stringContaining('# describe_table') }],
    });
  });

  it('keeps the documentation of a tool from who may not call it', async () => {
    const mcp = open({ persona: 'schemas' });
    await mcp.initialize();
    const answer = await mcp.ask('resources/read', { uri: 'howdah://tools/echo' });
    expect(answer).toMatchObject({ error: { code: 403 } });
    expect(mcp.recordOf(answer)).toMatchObject({ operation: 'resources/read/tool', outcome: 'FORBIDDEN' });
  });

  it.each([
    ['howdah://tools/nothing', 'resources/read/tool'],
    ['howdah://tools/audit_tail', 'resources/read/tool'],
    ['howdah://tools/__proto__', 'resources/read/tool'],
    ['pg://a/b/c', 'resources/read'],
    ['file:///etc/passwd', 'resources/read'],
  ])('finds nothing at %s', async (uri, operation) => {
    const mcp = open();
    const answer = await mcp.askModern('resources/read', { uri });
    expect(answer.error).toMatchObject({ code: -32602, data: { uri, code: 'NOT_FOUND' } });
    expect(mcp.recordOf(answer)).toMatchObject({ operation, outcome: 'NOT_FOUND', input: { uri } });
  });

  it('keeps a table from who may not describe tables, before it looks for the server', async () => {
    const mcp = open({ persona: 'echo' });
    await mcp.initialize();
    const answer = await mcp.ask('resources/read', { uri: 'pg://nowhere/db/public/t' });
    expect(answer).toMatchObject({ error: { code: 403, data: { code: 'FORBIDDEN' } } });
    expect((await mcp.ask('resources/templates/list')).result).toMatchObject({
      resourceTemplates: [{ uriTemplate: 'howdah://tools/{name}' }],
    });
  });

  it('looks for a table on its server, as describe_table', async () => {
    const mcp = open();
    await mcp.initialize();
    const uri = 'pg://nowhere/db/public/t';
    const answer = await mcp.ask('resources/read', { uri });
    expect(answer.error).toMatchObject({ code: -32602, message: 'No server is named "nowhere".', data: { uri } });
    expect(mcp.recordOf(answer)).toMatchObject({ operation: 'resources/read/table', outcome: 'NOT_FOUND' });
  });
});

describe('prompts', () => {
  it('are offered to who may call all of their tools', async () => {
    const mcp = open();
    await mcp.initialize();
    expect((await mcp.ask('prompts/list')).result).toMatchObject({
      prompts: [{ name: 'before_a_migration' }, { name: 'vacuum_review' }, { name: 'why_is_it_slow' }],
    });
    const answer = await mcp.ask('prompts/get', { name: 'why_is_it_slow', arguments: { server: 'shop' } });
    expect(answer.result).toMatchObject({
      messages: [{ content: { text: expect.stringContaining('server "shop"') } }],
    });
    expect(mcp.recordOf(answer)).toMatchObject({ operation: 'prompts/get', outcome: 'OK' });
  });

  it('are kept from all others, on record', async () => {
    const mcp = open({ persona: 'schemas' });
    await mcp.initialize();
    expect((await mcp.ask('prompts/list')).result).toMatchObject({ prompts: [] });
    const answer = await mcp.ask('prompts/get', { name: 'why_is_it_slow' });
    expect(answer).toMatchObject({ error: { code: 403 } });
    expect(mcp.recordOf(answer)).toMatchObject({ operation: 'prompts/get', outcome: 'FORBIDDEN' });
  });

  it.each([
    [{ name: 'nothing' }, 'No prompt is named "nothing".'],
    [{ name: '__proto__' }, 'No prompt is named "__proto__".'],
    [{ name: 'before_a_migration' }, 'Invalid arguments: "table" is needed.'],
    [{ name: 'why_is_it_slow', arguments: { sever: 'shop' } }, 'Invalid arguments: unknown argument "sever".'],
    [{ name: 'why_is_it_slow', arguments: { server: 'x'.repeat(64) } }, expect.stringContaining('arguments.server')],
    [{}, expect.stringContaining('name')],
  ])('refuse %j', async (params, message) => {
    const mcp = open();
    await mcp.initialize();
    expect(await mcp.ask('prompts/get', params)).toMatchObject({ error: { code: -32602, message } });
  });
});

describe('completion', () => {
  it.each([
    ['dba', '', ['billing', 'shop']],
    ['dba', 'b', ['billing']],
    ['schemas', '', ['shop']],
    ['schemas', 'b', []],
  ])('gives the persona %s the servers that it may reach and that begin with %j', async (persona, value, values) => {
    const mcp = open({ persona });
    await mcp.initialize();
    const ref = { type: 'ref/prompt', name: 'why_is_it_slow' };
    const answer = await mcp.ask('completion/complete', { ref, argument: { name: 'server', value } });
    expect(answer.result).toMatchObject({ completion: { values, total: values.length, hasMore: false } });
  });

  it.each([
    ['table', { server: 'nowhere' }],
    ['nothing', {}],
  ])('has no value for %s when there is none', async (name, chosen) => {
    const mcp = open();
    await mcp.initialize();
    const ref = { type: 'ref/resource', uri: 'pg://{server}/{database}/{schema}/{table}' };
    const answer = await mcp.ask('completion/complete', {
      ref,
      argument: { name, value: '' },
      context: { arguments: chosen },
    });
    expect(answer.result).toMatchObject({ completion: { values: [], hasMore: false } });
    expect(mcp.recordOf(answer)).toMatchObject({ outcome: name === 'table' ? 'NOT_FOUND' : 'OK' });
  });
});
