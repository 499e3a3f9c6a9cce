import { z } from 'zod';
import type { Operation } from '../calls/operation.ts';

/** A tool as `tools/list` shows it. */
export interface ToolEntry {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  /** Says only that there is structured content; the resource of the tool has the rest. Left out where there is none. */
  readonly outputSchema?: { readonly type: 'object' };
  readonly annotations: ToolAnnotations;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** The instructions explain these once, for all tools. */
const EXPLAINED_ONCE = new Set(['server', 'database', 'limit']);

const entries = new WeakMap<Operation, ToolEntry>();

/** Made once for each tool of a process, at the first use: JSON Schema is slow to make. */
export function describeTool(tool: Operation): ToolEntry {
  const entry = entries.get(tool) ?? makeEntry(tool);
  entries.set(tool, entry);
  return entry;
}

function makeEntry({ name, title, description, input, accessClass, structured }: Operation): ToolEntry {
  const readsOnly = accessClass !== 'admin';
  return {
    name,
    title,
    description,
    inputSchema: compactInputSchema(input),
    ...(structured !== false && { outputSchema: { type: 'object' } }),
    annotations: { readOnlyHint: readsOnly, destructiveHint: false, idempotentHint: readsOnly, openWorldHint: false },
  };
}

/** Every byte is read by a model in every conversation: what goes without saying, such as how long a name is, is left out. */
function compactInputSchema(input: z.ZodObject): JsonSchema {
  const { $schema: _, properties = {}, ...rest } = toJsonSchema(input, 'input');
  const entries = Object.entries(properties).map(([key, schema]) => [key, compact(key, schema)]);
  return { ...rest, properties: Object.fromEntries(entries) as NonNullable<JsonSchema['properties']> };
}

function compact(key: string, schema: z.core.JSONSchema._JSONSchema): z.core.JSONSchema._JSONSchema {
  if (typeof schema === 'boolean') return schema;
  const { description, minLength: _, maxLength: __, ...rest } = schema;
  return description === undefined || EXPLAINED_ONCE.has(key) ? rest : { ...rest, description };
}

/** A zod schema as JSON Schema 2020-12, without the bounds that zod gives to every integer. */
export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
}
