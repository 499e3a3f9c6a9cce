import { z } from 'zod';
import { Config } from './schema.ts';
import type { Path } from './tree.ts';

/** A key of the configuration, as its reference shows it. */
export interface ConfigKey {
  /** `servers.<name>.url`; a list's items are `[]`. */
  readonly path: string;
  readonly type: string;
  /** As JSON, which is YAML too; undefined when there is none. */
  readonly default: string | undefined;
  readonly description: string;
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

let schema: JsonSchema | undefined;

/** The JSON Schema of a configuration file, for editors. */
export function configJsonSchema(): JsonSchema {
  return (schema ??= z.toJSONSchema(Config, { io: 'input' }));
}

/** Every key in the order of the declaration, with its parents before it. */
export function configKeys(): readonly ConfigKey[] {
  return listKeys(configJsonSchema(), '');
}

/** What the schema says of the key at a path; undefined where there is no such key. */
export function findKey(path: Path): JsonSchema | undefined {
  return path.reduce<JsonSchema | undefined>((node, key) => node && findChild(node, key), configJsonSchema());
}

/** The keys that may stand under a key. */
export function childKeys(node: JsonSchema | undefined): readonly string[] {
  return Object.keys(objectBranch(node)?.properties ?? {});
}

function findChild(node: JsonSchema, key: PropertyKey): JsonSchema | undefined {
  if (typeof key === 'number') return toSchema(node.items);
  const { properties = {}, additionalProperties } = objectBranch(node) ?? {};
  return typeof key === 'string' && Object.hasOwn(properties, key)
    ? toSchema(properties[key])
    : toSchema(additionalProperties);
}

/** The node itself, or of several forms the one that has keys. */
function objectBranch(node: JsonSchema | undefined): JsonSchema | undefined {
  if (node?.anyOf === undefined) return node;
  return node.anyOf.map(toSchema).find((branch) => branch?.type === 'object');
}

/** JSON Schema also has `true`, `false` and lists where a schema can stand. */
function toSchema(node: JsonSchema['items']): JsonSchema | undefined {
  return typeof node === 'object' && !Array.isArray(node) ? node : undefined;
}

function listKeys(node: JsonSchema, path: string): ConfigKey[] {
  const { properties = {}, additionalProperties } = objectBranch(node) ?? {};
  const named = toSchema(additionalProperties);
  const children = Object.entries(properties).map(([key, child]) => [key, toSchema(child)] as const);
  if (named) children.push(['<name>', named]);
  return children.flatMap(([key, child]) => {
    if (!child) return [];
    const childPath = path === '' ? key : `${path}.${key}`;
    const items = toSchema(child.items);
    const below = items ? listKeys(items, `${childPath}[]`) : listKeys(child, childPath);
    return [describeKey(child, childPath), ...below];
  });
}

function describeKey(node: JsonSchema, path: string): ConfigKey {
  const fallback = JSON.stringify(node.default);
  return {
    path,
    type: describeType(node),
    default: fallback === '{}' ? undefined : fallback,
    description: node.description ?? '',
  };
}

function describeType(node: JsonSchema): string {
  if (node.anyOf) return node.anyOf.map((branch) => describeType(toSchema(branch) ?? {})).join(' or ');
  if (node.enum) return node.enum.join(' | ');
  if (node.type === 'array') return `list of ${describeType(toSchema(node.items) ?? {})}`;
  if (node.type === 'object') return 'mapping';
  return node.type === 'string' ? 'text' : node.type === 'integer' ? 'whole number' : String(node.type);
}
