import { expect, it } from 'vitest';
import { operation, useMcpSession } from '../../test/mcp-session.ts';
import { createCatalog, type Catalog } from '../calls/catalog.ts';
import { openFleet } from '../fleet/open-fleet.ts';
import { createMethods } from './methods/all-methods.ts';

const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' } as const;
const link = { type: 'resource_link', uri: 'test://plan', name: 'plan' } as const;

const served: Catalog = createCatalog([
  operation('shows', async () => ({ findings: [], plan: 'Seq Scan' }), {
    present: ({ plan }) => [{ type: 'text', text: `The plan: ${String(plan)}` }, image, link],
  }),
  operation('shows_only', async () => ({ plan: 'Seq Scan' }), { present: () => [image], structured: false }),
  operation('renders', async () => ({ findings: [], plan: 'Seq Scan' })),
  ...createMethods({ catalog: () => served, fleet: openFleet([], undefined), prompts: [], resources: [] }),
]);

const open = useMcpSession();

it('shows what the tool presents, with the answer as data beside it', async () => {
  const { result } = await open({ served }).askModern('tools/call', { name: 'shows' });
  expect(result).toMatchObject({
    content: [{ type: 'text', text: 'The plan: Seq Scan' }, image, link],
    structuredContent: { plan: 'Seq Scan' },
  });
});

it('sends no data where the tool has none, and does not list a schema of it', async () => {
  const mcp = open({ served });
  const { result } = await mcp.askModern('tools/call', { name: 'shows_only' });
  expect(result).toMatchObject({ content: [image] });
  expect(result).not.toHaveProperty('structuredContent');
  const { tools } = (await mcp.askModern('tools/list')).result as { tools: { name: string; outputSchema?: object }[] };
  expect(tools.map(({ name, outputSchema }) => [name, outputSchema])).toEqual([
    ['renders', { type: 'object' }],
    ['shows', { type: 'object' }],
    ['shows_only', undefined],
  ]);
});

it('renders all other answers as text', async () => {
  const { result } = await open({ served }).askModern('tools/call', { name: 'renders' });
  expect(result).toMatchObject({ content: [{ type: 'text', text: 'plan: Seq Scan' }] });
});
