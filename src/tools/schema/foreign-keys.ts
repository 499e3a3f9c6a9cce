import { z } from 'zod';
import { defineTool, limitInput, readParts, schemaInput, statementsOf } from '../kit/index.ts';
import { candidates, findRelation, names } from '../tables/find-relation.ts';
import { drawRelationships } from './mermaid.ts';
import { LINKS_READ, mostReferencedAmong, reachableLinks } from './visible-links.ts';
import { mostReferenced, relationships, RELATIONSHIP_TYPES } from './relationships.ts';

const PARTS = { relationships, mostReferenced };
const relationship = relationships.shape.omit({ total_rows: true });

export default defineTool({
  name: 'foreign_keys',
  area: 'schema',
  accessClass: 'schema',
  title: 'Foreign keys',
  description: 'What refers to what, around a table or in all: keys, views, inheritance; Mermaid diagram.',
  alsoKnownAs: { get_table_relationships: { database_name: 'database', table_name: 'table', schema_name: 'schema' } },
  judges: false,
  seldom: ['relationship_type'],
  input: {
    table: z.string().min(1).max(300).optional(),
    schema: schemaInput,
    relationship_type: z.enum(RELATIONSHIP_TYPES).default('all'),
    depth: z.int().min(1).max(5).default(1),
    limit: limitInput(),
  },
  output: {
    rows: z.array(relationship),
    truncated: z.boolean(),
    total: z.int().min(0),
    most_referenced: z.array(mostReferenced.shape).optional(),
    diagram: z.string().nullable().describe('The rows as a Mermaid erDiagram.'),
  },
  statements: statementsOf({ candidates, names, ...PARTS }),
  async run({ table, schema, relationship_type, depth, limit }, target) {
    const middle = table === undefined ? null : await findRelation(target, table, schema);
    const isPartial = target.withheld.rules;
    const { parts, unreadable, facts } = await readParts(target, PARTS, {
      oid: middle?.oid ?? null,
      schema: schema ?? null,
      relationship_type,
      depth,
      limit: isPartial ? LINKS_READ : limit,
    });
    const read = parts.relationships.map((row) => relationship.parse(row));
    const visible = isPartial && middle !== null ? reachableLinks(read, middle, depth) : read;
    const rows = visible.slice(0, limit);
    // the server counts what is hidden
    const total = isPartial ? visible.length : (parts.relationships[0]?.total_rows ?? 0);
    return {
      rows,
      truncated: total > rows.length,
      total,
      ...(middle === null && { most_referenced: isPartial ? mostReferencedAmong(visible) : [...parts.mostReferenced] }),
      diagram: rows.length === 0 ? null : drawRelationships(rows),
      facts,
      findings: [],
      not_examined: [...unreadable],
    };
  },
});
