import { z } from 'zod';
import type { Operation } from '../calls/operation.ts';
import { PURPOSE } from '../calls/purpose.ts';

/** A tool as `tools/list` shows it. */
export interface ToolEntry {
  readonly name: string;
  /** Left out where it says no more than the name. */
  readonly title?: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  /** Says only that there is structured content; the resource of the tool has the rest. Left out where there is none. */
  readonly outputSchema?: { readonly type: 'object' };
  readonly annotations: ToolAnnotations;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The other hints mean something only of a tool that changes things; absent, `openWorldHint` would be true. */
interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint?: boolean;
  readonly openWorldHint: boolean;
}

/** The instructions explain these once, for all tools. */
const EXPLAINED_ONCE = new Set(['server', 'database', 'schema', 'name', 'limit']);

const entries = new WeakMap<Operation, ToolEntry>();
const entriesWithPurpose = new WeakMap<Operation, ToolEntry>();

/** Made once for each tool of a process, at the first use: JSON Schema is slow to make. */
export function describeTool(tool: Operation): ToolEntry {
  const entry = entries.get(tool) ?? makeEntry(tool);
  entries.set(tool, entry);
  return entry;
}

/** The same for a caller who must say why the call is made; only then is it worth its bytes. */
export function describeToolWithPurpose(tool: Operation): ToolEntry {
  const entry = entriesWithPurpose.get(tool) ?? withPurpose(describeTool(tool));
  entriesWithPurpose.set(tool, entry);
  return entry;
}

function withPurpose({ inputSchema: { properties, required = [], ...schema }, ...entry }: ToolEntry): ToolEntry {
  return {
    ...entry,
    inputSchema: {
      ...schema,
      properties: { ...properties, [PURPOSE]: { type: 'string' } },
      required: [...required, PURPOSE],
    },
  };
}

function makeEntry({ name, title, description, input, unlisted, accessClass, structured }: Operation): ToolEntry {
  const readsOnly = accessClass !== 'admin';
  return {
    name,
    ...(title.toLowerCase() !== name.replaceAll('_', ' ') && { title }),
    description,
    inputSchema: compactInputSchema(input, unlisted),
    ...(structured !== false && { outputSchema: { type: 'object' } }),
    annotations: { readOnlyHint: readsOnly, ...(!readsOnly && { destructiveHint: false }), openWorldHint: false },
  };
}

/**
 * Every byte is read by a model in every conversation: bounds, such as how long a name is, are left out, and so are the inputs that the resource of the tool has beside these. For their sake the schema is open, though
 * no other key is taken.
 */
function compactInputSchema(input: z.ZodObject, unlisted: readonly string[] = []): JsonSchema {
  const { $schema: _, additionalProperties: __, properties = {}, ...rest } = toJsonSchema(input, 'input');
  const entries = Object.entries(properties)
    .filter(([key]) => !unlisted.includes(key))
    .map(([key, schema]) => [key, oneTypeEach(compact(key, schema))]);
  return { ...rest, properties: Object.fromEntries(entries) as NonNullable<JsonSchema['properties']> };
}

function compact(key: string, schema: z.core.JSONSchema._JSONSchema): z.core.JSONSchema._JSONSchema {
  if (typeof schema === 'boolean') return schema;
  const { description, default: fallback, ...bounded } = schema;
  const { minLength: _, maxLength: __, minimum: ___, maximum: ____, minItems: _____, ...rest } = bounded;
  if (key === 'limit') return rest;
  return {
    ...rest,
    ...(fallback !== undefined && fallback !== false && { default: fallback }),
    ...(description !== undefined && !EXPLAINED_ONCE.has(key) && { description }),
  };
}

/** Clients that know a single `type` only, as OpenAPI has it, are given alternatives in the place of a list of types. */
function oneTypeEach(schema: z.core.JSONSchema._JSONSchema): z.core.JSONSchema._JSONSchema {
  if (typeof schema === 'boolean') return schema;
  const { type, items, ...rest } = schema;
  const types: unknown = type;
  return {
    ...(Array.isArray(types)
      ? { anyOf: types.map((each: z.core.JSONSchema.BaseSchema['type']) => ({ type: each })) }
      : { type }),
    ...(items !== undefined && { items: Array.isArray(items) ? items : oneTypeEach(items) }),
    ...rest,
  } as z.core.JSONSchema.BaseSchema;
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
