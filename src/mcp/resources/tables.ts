import type { Catalog } from '../../calls/catalog.ts';
import { parseInput } from '../../calls/input.ts';
import { shapeOutput } from '../../calls/shape.ts';
import { quoteIdentifier } from '../../postgres/sql.ts';
import type { ResourceSource } from './resource-source.ts';

/** The tool that a table's resource is the answer of. */
export const TABLE_TOOL = 'describe_table';

/** Tables and views: too many to list. `catalog` is asked for when a resource is. */
export function tables(catalog: () => Catalog): ResourceSource {
  return {
    name: 'table',
    uri: 'pg://{server}/{database}/{schema}/{table}',
    title: 'A table',
    description: 'Columns, keys, indexes and size of a table or view. Each part is percent-encoded.',
    mimeType: 'application/json',
    reaches: 'server',
    actsAs: () => [TABLE_TOOL],
    isOffered: (persona) => {
      const tool = catalog().get(TABLE_TOOL)?.operation;
      return tool !== undefined && persona.operation(tool).allowed;
    },
    async read({ table = '', ...place }, { uri, ...context }) {
      const tool = catalog().find(TABLE_TOOL).operation;
      // quoted: an address names one table, exactly
      const input = parseInput(tool, { ...place, table: quoteIdentifier(table) }, undefined);
      const answer = await tool.run({ ...context, input });
      const { output } = shapeOutput(answer, context.persona.limits);
      // JSON, since it is the structured content of the tool, exact to the last digit, and a program may want it
      return [{ uri, mimeType: 'application/json', text: JSON.stringify(output) }];
    },
  };
}
