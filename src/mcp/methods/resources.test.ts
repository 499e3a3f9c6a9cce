import { expect, it } from 'vitest';
import { useMcpSession } from '../../../test/mcp-session.ts';
import { createCatalog, type Catalog } from '../../calls/catalog.ts';
import { openFleet } from '../../fleet/open-fleet.ts';
import type { ResourceSource } from '../resources/resource-source.ts';
import { createMethods } from './all-methods.ts';

function source(name: string, uri: string, more: Partial<ResourceSource> = {}): ResourceSource {
  return {
    name,
    uri,
    title: `The ${name}`,
    description: `What is in ${name}.`,
    mimeType: 'text/plain',
    reaches: 'nothing',
    actsAs: () => [],
    isOffered: () => true,
    read: async (values, { uri: asked }) => [{ uri: asked, text: JSON.stringify(values) }],
    ...more,
  };
}

const served: Catalog = createCatalog(
  createMethods({
    catalog: () => served,
    fleet: openFleet([], undefined),
    prompts: [],
    resources: [
      source('manual', 'test://manual'),
      source('secret', 'test://secret', { isOffered: () => false }),
      source('page', 'test://pages/{chapter}/{number}', {
        list: ({ name }) => [{ uri: 'test://pages/a/1', name, title: 'First page', mimeType: 'text/plain' }],
      }),
    ],
  }),
);

const open = useMcpSession();

it('lists fixed addresses and those that a kind lists, in the order of addresses', async () => {
  const { result } = await open({ served }).askModern('resources/list');
  expect(result?.['resources']).toEqual([
    {
      uri: 'test://manual',
      name: 'manual',
      title: 'The manual',
      description: 'What is in manual.',
      mimeType: 'text/plain',
    },
    { uri: 'test://pages/a/1', name: 'dba', title: 'First page', mimeType: 'text/plain' },
  ]);
});

it('lists the forms that have variables as templates', async () => {
  const { result } = await open({ served }).askModern('resources/templates/list');
  expect(result).toMatchObject({
    resourceTemplates: [{ uriTemplate: 'test://pages/{chapter}/{number}', name: 'page', title: 'The page' }],
  });
});

it.each([
  ['test://manual', '{}'],
  ['test://pages/a%20b/2', '{"chapter":"a b","number":"2"}'],
])('reads %s', async (uri, text) => {
  const mcp = open({ served });
  const answer = await mcp.askModern('resources/read', { uri });
  expect(answer.result).toMatchObject({ contents: [{ uri, text }], cacheScope: 'private' });
});
