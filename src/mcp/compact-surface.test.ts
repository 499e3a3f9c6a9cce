import { describe, expect, it } from 'vitest';
import { catalog, useMcpSession, withDiagnose } from '../../test/mcp-session.ts';
import { tools as allTools } from '../tools/all-tools.ts';
import { createToolViews } from './tool-view.ts';
import { describeTool } from './tool-entry.ts';
import { createCatalog } from '../calls/catalog.ts';
import { compilePersonas } from '../policy/compile.ts';

const open = useMcpSession();
const served = withDiagnose(catalog);
const diagnose = (diagnostic: unknown, given?: object) => {
  return { name: 'diagnose', arguments: { diagnostic, ...(given && { arguments: given }) } };
};

describe('the compact surface', () => {
  it('lists one tool in the place of the diagnostics that the persona may call', async () => {
    const mcp = open({ served });
    await mcp.initialize();
    const { result } = await mcp.ask('tools/list');
    const listed = (result as { tools: { name: string; inputSchema: object }[] }).tools;
    expect(listed.map(({ name }) => name)).toEqual(['describe_table', 'diagnose']);
    expect(listed[1]?.inputSchema).toMatchObject({
      properties: { diagnostic: { enum: expect.arrayContaining(['echo', 'steps']) } },
    });
    expect(result).toMatchObject({ _meta: { 'howdah/withheld': 0 } });
  });

  it('shows no diagnostic to who may call none', async () => {
    const mcp = open({ persona: 'schemas', served });
    const { result } = await mcp.askModern('tools/list');
    expect(result).toMatchObject({ tools: [{ name: 'describe_table' }] });
  });

  it('calls what it names, on record under that name', async () => {
    const mcp = open({ served });
    await mcp.initialize();
    const answer = await mcp.ask('tools/call', diagnose('echo', { text: 'hi' }));
    expect(answer.result).toMatchObject({ structuredContent: { text: 'hi' } });
    expect(mcp.recordOf(answer)).toMatchObject({
      operation: 'echo',
      called_as: 'diagnose',
      input: { text: 'hi' },
      outcome: 'OK',
    });
  });

  it('goes by the rules of what it names', async () => {
    const mcp = open({ persona: 'echo', served });
    await mcp.initialize();
    expect((await mcp.ask('tools/call', diagnose('echo', { text: 'hi' }))).result).not.toHaveProperty('isError');
    const refused = await mcp.ask('tools/call', diagnose('steps'));
    expect(JSON.stringify(refused.result)).toContain('no rule of personas.echo.tools.allow matches');
    expect(mcp.recordOf(refused)).toMatchObject({ operation: 'steps', outcome: 'FORBIDDEN', decision: 'deny' });
  });

  it.each([
    ['nothing', undefined, 'INVALID_INPUT'],
    ['no diagnostic of that name', 'ecko', 'NOT_FOUND'],
    ['a tool that is no diagnostic', 'describe_table', 'NOT_FOUND'],
    ['administration', 'audit_tail', 'NOT_FOUND'],
    ['a method of the protocol', 'tools/list', 'NOT_FOUND'],
    ['itself', 'diagnose', 'NOT_FOUND'],
  ])('does not run %s', async (_, name, code) => {
    const mcp = open({ served });
    await mcp.initialize();
    const answer = await mcp.ask('tools/call', diagnose(name));
    expect(answer.result).toMatchObject({ isError: true });
    expect(JSON.stringify(answer.result)).toContain(code);
    expect(mcp.recordOf(answer)).toMatchObject({ outcome: code });
  });

  it('costs at most 2,500 tokens, which are about 10 kB', () => {
    const [persona] = compilePersonas({})
      .personas()
      .filter(({ name }) => name === 'dba');
    if (!persona) throw new Error('there is no dba');
    const { listed } = createToolViews(() => createCatalog(allTools), { surface: 'compact' })(persona);
    const sizes = listed.map((tool) => [JSON.stringify(describeTool(tool)).length, tool.name]);
    const total = sizes.reduce((sum, [size]) => sum + Number(size), 0);
    expect({ fits: total <= 10_000, sizes }).toEqual({ fits: true, sizes: expect.any(Array) });
  });
});
