import type { ResourceContents } from '../../src/contract/content.ts';
import type { ResourceSource } from '../../src/mcp/resources/resource-source.ts';
import type { UriValues } from '../../src/mcp/resource-uri.ts';
import { PNG } from './fixture.ts';

type Source = Pick<ResourceSource, 'name' | 'uri' | 'mimeType'>;

function resource(
  source: Source,
  contents: (values: UriValues) => { text: string } | { blob: string },
): ResourceSource {
  const { mimeType } = source;
  return {
    ...source,
    title: source.name,
    description: `What the conformance suite expects at ${source.uri}.`,
    reaches: 'nothing',
    actsAs: () => [],
    isOffered: () => true,
    read: async (values, { uri }): Promise<ResourceContents[]> => [{ uri, mimeType, ...contents(values) }],
  };
}

export const resources: readonly ResourceSource[] = [
  resource({ name: 'text', uri: 'test://static-text', mimeType: 'text/plain' }, () => ({
    text: 'This is the content of the static text resource.',
  })),
  resource({ name: 'binary', uri: 'test://static-binary', mimeType: 'image/png' }, () => ({ blob: PNG })),
  resource({ name: 'watched', uri: 'test://watched-resource', mimeType: 'text/plain' }, () => ({ text: 'Unchanged.' })),
  resource({ name: 'data', uri: 'test://template/{id}/data', mimeType: 'application/json' }, ({ id }) => ({
    text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id ?? ''}` }),
  })),
];
