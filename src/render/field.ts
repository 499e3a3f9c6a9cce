import { z } from 'zod';
import type { Operation } from '../calls/operation.ts';
import { isRecord } from '../core/record.ts';
import { UNITS, type Unit } from './quantity.ts';

/** What an output schema says of one part of an answer, as far as its looks depend on it. */
export interface Field {
  readonly key: string;
  readonly unit: Unit | undefined;
  /** Numbers stand at the right of their column. */
  readonly numeric: boolean;
  /** An ISO time, which reads better without `T` and fractions. */
  readonly time: boolean;
  /** Parts of an object, or of each element of a list of objects. */
  readonly fields: readonly Field[];
  /** Where it stands in rows that are lists; such rows may have a name twice. */
  readonly at?: number;
}

/** The part of JSON Schema that matters here. */
interface Node {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly unit?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

const known = new WeakMap<z.ZodType, readonly Field[]>();

/** The parts of an operation's answer in the order of its schema; read once per operation. */
export function fieldsOf({ output }: Operation): readonly Field[] {
  const fields = known.get(output) ?? readFields(z.toJSONSchema(output, { unrepresentable: 'any' }) as Node);
  known.set(output, fields);
  return fields;
}

/** A field that no schema describes, judged by a value of its own. */
export function guessField(key: string, value: unknown): Field {
  const sample: unknown = Array.isArray(value) ? value[0] : value;
  const fields = isRecord(sample) ? Object.entries(sample).map(([name, part]) => guessField(name, part)) : [];
  return { key, unit: undefined, numeric: typeof value === 'number', time: false, fields };
}

function readFields(node: Node): readonly Field[] {
  const inner = unwrap(node);
  const object = inner.items === undefined ? inner : unwrap(inner.items);
  return Object.entries(object.properties ?? {}).map(([key, value]) => readField(key, value));
}

function readField(key: string, node: Node): Field {
  const inner = unwrap(node);
  return {
    key,
    unit: UNITS.find((unit) => unit === (node.unit ?? inner.unit)),
    numeric: [inner.type].flat().some((type) => type === 'integer' || type === 'number'),
    time: inner.format === 'date-time',
    fields: readFields(inner),
  };
}

/** A nullable schema is a choice between it and null. */
function unwrap(node: Node): Node {
  const choices = node.anyOf?.filter(({ type }) => type !== 'null');
  return choices?.length === 1 && choices[0] !== undefined ? unwrap(choices[0]) : node;
}
