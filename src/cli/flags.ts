import { z } from 'zod';
import type { ArgumentNames, Operation } from '../calls/operation.ts';
import type { Given, Options } from './command.ts';

/** A field of an input schema as JSON Schema, as far as flags depend on it. */
interface Node {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly unit?: string;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

interface Flag {
  /** The argument that it sets. */
  readonly argument: string;
  readonly kind: 'boolean' | 'number' | 'list' | 'json' | 'text';
  /** What a boolean flag that is given stands for. */
  readonly sets: boolean;
  readonly value: string;
  readonly description: string;
}

/** Inputs that are explained once for all tools. */
const SHARED: Readonly<Record<string, string>> = {
  server: 'Server of the configuration; needed where there are several and no default_server',
  database: 'Database; by default the one that the connection URL names',
  limit: 'Most rows that are shown',
};

/** The flags of an operation, made from its input schema: `max_scans` is `--max-scans`. */
export function flagsOf(operation: Operation, aliases: ArgumentNames = {}): ReadonlyMap<string, Flag> {
  const schema = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Readonly<Record<string, Node>>;
    required?: readonly string[];
  };
  const flags = new Map<string, Flag>();
  for (const [argument, node] of Object.entries(schema.properties ?? {})) {
    const flag = describeFlag(argument, node, schema.required?.includes(argument) === true);
    const name = argument.replaceAll('_', '-');
    flags.set(flag.kind === 'boolean' && !flag.sets ? `no-${name}` : name, flag);
  }
  for (const [alias, argument] of Object.entries(aliases)) {
    const flag = flags.get(argument.replaceAll('_', '-'));
    if (flag) flags.set(alias.replaceAll('_', '-'), { ...flag, argument: alias, description: `As --${argument}` });
  }
  return flags;
}

export function optionsOf(flags: ReadonlyMap<string, Flag>): Options {
  return Object.fromEntries(
    [...flags].map(([name, { kind, value, description }]) => [
      name,
      kind === 'boolean' ? { type: 'boolean', description } : { type: 'string', value, description },
    ]),
  );
}

/** The arguments that the flags say. What is no number or JSON stays text, for the schema to refuse by name. */
export function argumentsOf(flags: ReadonlyMap<string, Flag>, values: Given['values']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const flag = flags.get(name);
      return flag === undefined || value === undefined || typeof value === 'object'
        ? []
        : [[flag.argument, readValue(flag, value)]];
    }),
  );
}

function describeFlag(argument: string, node: Node, required: boolean): Flag {
  const kind = kindOf(node);
  const said = node.description ?? SHARED[argument] ?? '';
  const notes = [
    ...(required ? ['required'] : []),
    ...(node.default === undefined ? [] : [`default ${showDefault(node.default)}`]),
  ];
  const text = said.replace(/\.$/, '');
  return {
    argument,
    kind,
    sets: node.default !== true,
    value: valueOf(node, kind),
    description: notes.length === 0 ? text : `${text} (${notes.join(', ')})`.trimStart(),
  };
}

function kindOf(node: Node): Flag['kind'] {
  const types = (node.anyOf ?? [node]).flatMap(({ type }) => type);
  if (types.includes('boolean')) return 'boolean';
  if (types.some((type) => type === 'integer' || type === 'number')) return 'number';
  if (types.includes('array')) return node.items?.type === 'object' ? 'json' : 'list';
  return types.includes('object') ? 'json' : 'text';
}

function valueOf(node: Node, kind: Flag['kind']): string {
  if (node.enum) return `<${node.enum.join('|')}>`;
  if (node.unit !== undefined && kind === 'number') return `<${node.unit}>`;
  if (kind === 'list') return node.items?.enum ? `<${node.items.enum.join(',')}>` : '<a,b,…>';
  return { boolean: '', number: '<number>', json: '<json>', text: '<text>' }[kind];
}

function showDefault(value: unknown): string {
  if (Array.isArray(value)) return value.join(',') || 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function readValue({ kind, sets }: Flag, value: string | boolean): unknown {
  if (typeof value === 'boolean') return sets;
  if (kind === 'number') return value.trim() === '' || Number.isNaN(Number(value)) ? value : Number(value);
  if (kind === 'list') return value.split(',').map((item) => item.trim());
  return kind === 'json' ? readJson(value) : value;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
