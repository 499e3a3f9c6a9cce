import { z } from 'zod';
import type { Catalog } from '../../calls/catalog.ts';
import { parseInput } from '../../calls/input.ts';
import type { Operation } from '../../calls/operation.ts';
import { shapeOutput } from '../../calls/shape.ts';
import { PlatformError } from '../../core/errors.ts';
import type { CompiledPersona } from '../../policy/policy.ts';
import { quoteIdentifier } from '../../postgres/sql.ts';
import { pageOf } from '../cursor.ts';
import { parseResourceUri, TABLE_URI_TEMPLATE, TOOL_URI_TEMPLATE, toolUri } from '../resource-uri.ts';
import { renderToolDocument } from '../tool-document.ts';
import type { ToolView } from '../tool-view.ts';
import { defineMethod } from './method.ts';
import { cursorInput } from './tools.ts';

/** The tool that a table's resource is the answer of. */
export const TABLE_TOOL = 'describe_table';
export const READ_TABLE_METHOD = 'resources/read/table';

const RESOURCES_PER_PAGE = 200;
const uriInput = { uri: z.string().min(1).max(1000) } as const;

export function resourceMethods(
  catalog: () => Catalog,
  viewOf: (persona: CompiledPersona) => ToolView,
): readonly Operation[] {
  const mayDescribe = (persona: CompiledPersona) => {
    const tool = catalog().get(TABLE_TOOL)?.operation;
    return tool !== undefined && persona.operation(tool).allowed;
  };
  return [
    defineMethod({
      name: 'resources/list',
      title: 'List resources',
      description:
        'The documentation of each tool that the caller may call. Tables are too many to list; a template names them.',
      input: cursorInput,
      run({ cursor }, { persona }) {
        const list = ['resources', persona.name];
        const { items, nextCursor } = pageOf(viewOf(persona).tools, { cursor, list, size: RESOURCES_PER_PAGE });
        return { resources: items.map(describeToolResource), ...(nextCursor !== undefined && { nextCursor }) };
      },
    }),
    defineMethod({
      name: 'resources/templates/list',
      title: 'List resource templates',
      description: 'The forms that the addresses of resources have.',
      input: cursorInput,
      run: ({ cursor }, { persona }) => {
        const templates = mayDescribe(persona) ? [TABLE_TEMPLATE, TOOL_TEMPLATE] : [TOOL_TEMPLATE];
        // one page: a cursor can only be made up
        const { items } = pageOf(templates, { cursor, list: ['templates', persona.name], size: RESOURCES_PER_PAGE });
        return { resourceTemplates: items };
      },
    }),
    defineMethod({
      name: 'resources/read',
      title: 'Read a document',
      description: 'The documentation of a tool.',
      input: uriInput,
      actsAs: ({ uri }) => namedTool(catalog(), uri),
      run({ uri }) {
        const [name] = namedTool(catalog(), uri);
        if (name === undefined) throw notFound();
        return {
          contents: [{ uri, mimeType: 'text/markdown', text: renderToolDocument(catalog().find(name).operation) }],
        };
      },
    }),
    defineMethod({
      name: READ_TABLE_METHOD,
      title: 'Read a table',
      description: `What ${TABLE_TOOL} says of a table.`,
      input: { ...uriInput, server: z.string(), database: z.string(), schema: z.string(), table: z.string() },
      reaches: 'server',
      actsAs: () => [TABLE_TOOL],
      async run({ uri, table, ...place }, context) {
        const tool = catalog().find(TABLE_TOOL).operation;
        // quoted: an address names one table, exactly
        const input = parseInput(tool, { ...place, table: quoteIdentifier(table) }, undefined);
        const answer = await tool.run({ ...context, input });
        const { output } = shapeOutput(answer, context.persona.limits);
        // JSON, since it is the structured content of the tool, exact to the last digit, and a program may want it
        return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(output) }] };
      },
    }),
  ];
}

const TABLE_TEMPLATE = {
  uriTemplate: TABLE_URI_TEMPLATE,
  name: 'table',
  title: 'A table',
  description: 'Columns, keys, indexes and size of a table or view. Each part is percent-encoded.',
  mimeType: 'application/json',
} as const;

const TOOL_TEMPLATE = {
  uriTemplate: TOOL_URI_TEMPLATE,
  name: 'tool',
  title: 'A tool',
  description: 'All of a tool: the schemas of its input and output, its SQL, its other names.',
  mimeType: 'text/markdown',
} as const;

function describeToolResource({ name, title }: Operation): object {
  return { uri: toolUri(name), name, title: `${title}: documentation`, mimeType: 'text/markdown' };
}

/** The tool that an address names, if there is one of that very name. */
function namedTool(catalog: Catalog, uri: string): readonly string[] {
  const resource = parseResourceUri(uri);
  if (resource?.kind !== 'tool') return [];
  const entry = catalog.get(resource.name);
  return entry?.operation.kind === 'tool' && entry.operation.name === resource.name ? [resource.name] : [];
}

function notFound(): PlatformError {
  return new PlatformError('NOT_FOUND', 'There is no such resource.', {
    hint: `Resources are ${TOOL_URI_TEMPLATE} and ${TABLE_URI_TEMPLATE}, each part percent-encoded.`,
  });
}
