import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Operation } from '../calls/operation.ts';
import { tools } from '../tools/all-tools.ts';
import { renderToolDocument } from './tool-document.ts';
import { describeTool } from './tool-entry.ts';

const tool: Operation = {
  kind: 'tool',
  name: 'unused_indexes',
  area: 'indexes',
  accessClass: 'diagnostic',
  title: 'Unused indexes',
  description: 'Indexes that nobody reads.',
  input: z.strictObject({
    server: z.string().min(1).max(63).optional().describe('said elsewhere'),
    limit: z.int().min(1).max(500).default(50).describe('said elsewhere'),
    max_scans: z.int().min(0).default(50).describe('Scanned at most this many times.'),
    offset: z.int().optional(),
    warn_percent: z.number().default(80).describe('Thresholds are left out.'),
  }),
  unlisted: ['warn_percent'],
  output: z.object({ rows: z.array(z.object({ size: z.int() })) }),
  reaches: 'server',
  alsoKnownAs: { get_unused_indexes: { scans: 'max_scans' }, idle_indexes: {} },
  run: () => Promise.resolve({}),
};

it('shows what a model needs and nothing that goes without saying', () => {
  expect(describeTool(tool)).toEqual({
    name: 'unused_indexes',
    description: 'Indexes that nobody reads.',
    inputSchema: {
      type: 'object',
      properties: {
        server: { type: 'string' },
        limit: { type: 'integer' },
        max_scans: { type: 'integer', default: 50, description: 'Scanned at most this many times.' },
        offset: { type: 'integer' },
      },
    },
    outputSchema: { type: 'object' },
    annotations: { readOnlyHint: true, openWorldHint: false },
  });
});

it('has a title where that says more than the name', () => {
  expect(describeTool({ ...tool, title: 'Indexes without use' })).toMatchObject({ title: 'Indexes without use' });
});

it('names the header of an argument that has one', () => {
  const server = z.string().optional().describe('said elsewhere').meta({ 'x-mcp-header': 'Server' });
  const { properties } = describeTool({ ...tool, input: z.strictObject({ server }) }).inputSchema;
  expect(properties).toEqual({ server: { type: 'string', 'x-mcp-header': 'Server' } });
});

it('asks for a header in one tool only, since who has not listed it does not send it', () => {
  const asking = tools.filter((each) => JSON.stringify(describeTool(each)).includes('x-mcp-header'));
  expect(asking.map(({ name }) => name)).toEqual(['server_overview']);
});

it('does not call administration read-only', () => {
  expect(describeTool({ ...tool, accessClass: 'admin' }).annotations).toMatchObject({ readOnlyHint: false });
});

it('documents what the list leaves out', () => {
  const text = renderToolDocument(tool);
  expect(text).toContain('- `get_unused_indexes`, where `scans` is `max_scans`\n- `idle_indexes`\n');
  expect(text).toContain('"description": "said elsewhere"');
  expect(text).toMatch(/## Output[^#]*"rows"[^#]*"size"/s);
  expect(text).not.toContain('9007199254740991');
});

it.each(tools.map((each) => [each.name, each] as const))('documents every statement of %s', (_, each) => {
  const text = renderToolDocument(each);
  expect(each.statements.map((statement) => statement.text).filter((sql) => !text.includes(sql))).toEqual([]);
  // those that a health check sends belong to the tools that it runs
  // and those of callers are their own
  const hasOwn = each.reaches === 'server' && each.name !== 'health_check' && each.name !== 'query';
  expect(each.statements.length > 0).toBe(hasOwn);
});

/** Without the output schema, which says nothing. */
function sizeOf(each: Operation): number {
  const { outputSchema: _, ...entry } = describeTool(each);
  return JSON.stringify(entry).length;
}

it('lists all tools for at most 8,000 tokens, which are about 32 kB', () => {
  const sizes = tools.map((each) => [sizeOf(each), each.name] as const).toSorted(([a], [b]) => b - a);
  const total = sizes.reduce((sum, [size]) => sum + size, 0);
  expect({ total: total <= 32_000, largest: sizes.slice(0, 3) }).toEqual({ total: true, largest: expect.any(Array) });
});

it.each(tools.map((each) => [each.name, each] as const))('lists inputs of %s with one type each', (_, each) => {
  expect(JSON.stringify(describeTool(each).inputSchema)).not.toMatch(/"type":\[|"items":\{\}/);
});

it.each(tools.map((each) => [each.name, each] as const))('lists %s for few tokens', (_, each) => {
  expect(sizeOf(each)).toBeLessThan(900);
});

it.each(tools.map(({ name, description }) => [name, description]))(
  'describes %s in at most 25 words',
  (_, description) => {
    expect(description.split(/\s+/).length).toBeLessThanOrEqual(25);
  },
);
