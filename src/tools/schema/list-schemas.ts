import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import {
  byServerVersion,
  definePart,
  defineTool,
  limitInput,
  nameInput,
  quoteIdentifier,
  readParts,
  schemaInput,
  sql,
  statementsOf,
} from '../kit/index.ts';
import { objects } from './schema-objects.ts';
import { schemas } from './schemas.ts';

const schemaNames = definePart({
  what: 'names of schemas',
  looksUp: true,
  row: { schema: z.string().meta({ names: 'schema' }) },
  sql: byServerVersion({
    12: sql`select n.nspname as schema from pg_catalog.pg_namespace n where n.nspname !~ '^pg_t'`,
  }),
});

const PARTS = { schemas, objects };
const schemaRow = schemas.shape.omit({ total_rows: true });
const object = objects.shape.omit({ total_rows: true });

export default defineTool({
  name: 'list_schemas',
  area: 'schema',
  accessClass: 'schema',
  title: 'Schemas',
  description: 'Schemas: owner, counts of objects, size, rights; of one, its objects.',
  alsoKnownAs: { get_database_schema_info: { database_name: 'database', schema_name: 'schema' } },
  judges: false,
  input: {
    schema: schemaInput,
    name: nameInput.describe('Of the objects, where a schema is given.'),
    limit: limitInput(),
  },
  output: {
    rows: z.array(schemaRow),
    truncated: z.boolean(),
    total: z.int().min(0),
    objects: z
      .array(object)
      .optional()
      .describe('Of the one schema, the largest first, without what belongs to extensions.'),
    total_objects: z.int().min(0).optional(),
  },
  statements: statementsOf({ schemaNames, ...PARTS }),
  async run({ schema, name, limit }, target) {
    const values = { schema: schema ?? null, name: name ?? null, limit };
    const { parts, unreadable, facts } = await readParts(target, PARTS, values);
    if (schema !== undefined && parts.schemas.length === 0 && unreadable.length === 0) await refuse(target, schema);
    const total = parts.schemas[0]?.total_rows ?? 0;
    return {
      rows: parts.schemas.map((row) => schemaRow.parse(row)),
      truncated: total > parts.schemas.length,
      total,
      ...(schema !== undefined && {
        objects: parts.objects.map((row) => object.parse(row)),
        total_objects: parts.objects[0]?.total_rows ?? 0,
      }),
      facts,
      findings: [],
      not_examined: [...unreadable],
    };
  },
});

async function refuse(target: ReachedDatabase, schema: string): Promise<never> {
  const known = await target.readOnly((session) => schemaNames.read(session, {}));
  const near = nearest(
    schema,
    known.map((each) => each.schema),
  );
  throw new PlatformError('NOT_FOUND', `Database "${target.database}" has no schema ${JSON.stringify(schema)}.`, {
    hint: near === undefined ? 'list_schemas without `schema` shows all.' : `Did you mean ${quoteIdentifier(near)}?`,
  });
}
