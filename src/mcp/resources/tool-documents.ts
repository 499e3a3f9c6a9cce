import type { Catalog } from '../../calls/catalog.ts';
import { renderToolDocument } from '../tool-document.ts';
import { createToolViews } from '../tool-view.ts';
import { noSuchResource, type ResourceSource } from './resource-source.ts';

/** The documentation of each tool. `catalog` is asked for when a resource is. */
export function toolDocuments(catalog: () => Catalog): ResourceSource {
  const viewOf = createToolViews(catalog);
  const toolNamed = (name: string | undefined) => {
    const operation = catalog().get(name ?? '')?.operation;
    // not by an alias: a document has one address
    const isOpen = operation?.kind === 'tool' && operation.isHidden !== true;
    return isOpen && operation.name === name ? operation : undefined;
  };
  return {
    name: 'tool',
    uri: 'howdah://tools/{name}',
    title: 'A tool',
    description: 'All of a tool: the schemas of its input and output, its SQL, its other names.',
    mimeType: 'text/markdown',
    reaches: 'nothing',
    actsAs: ({ name }) => (toolNamed(name) ? [String(name)] : []),
    isOffered: () => true,
    list: (persona) =>
      viewOf(persona)
        .tools.filter(({ isHidden }) => isHidden !== true)
        .map(({ name, title }) => ({
          uri: `howdah://tools/${encodeURIComponent(name)}`,
          name,
          title: `${title}: documentation`,
          mimeType: 'text/markdown',
        })),
    withheld: (persona) => viewOf(persona).withheld,
    read: async ({ name }, { uri }) => {
      const tool = toolNamed(name);
      if (!tool) throw noSuchResource();
      return [{ uri, mimeType: 'text/markdown', text: renderToolDocument(tool) }];
    },
  };
}
