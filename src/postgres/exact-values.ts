import type { z } from 'zod';
import { PlatformError } from '../core/errors.ts';
import type { Field, Result } from './database.ts';

/** What a field of a row is to become. */
type Wanted = 'number' | 'integer' | 'boolean' | 'text' | 'json' | 'as stored';

interface WantedField {
  readonly name: string;
  readonly wanted: Wanted;
  readonly nullable: boolean;
}

/** The fields of a row as a tool declares them, ready to decode by. */
export interface CompiledShape {
  readonly fields: readonly WantedField[];
  /** Worked out once for the columns of each prepared statement. */
  readonly columns: WeakMap<readonly Field[], readonly Column[]>;
}

interface Column {
  readonly name: string;
  /** Where in the rows of the server. */
  readonly index: number;
  readonly decode: Decoder;
  readonly nullable: boolean;
}

type Decoder = (text: string) => unknown;

/** Of https://www.postgresql.org/docs/current/catalog-pg-type.html; these OIDs never change. */
const BOOL = 16;
const TIMESTAMPS = [1114, 1184]; // timestamp, timestamptz
const SMALL_INTEGERS = [21, 23, 26]; // int2, int4, oid
const FLOATS = [700, 701];
const NUMBERS = new Set([...SMALL_INTEGERS, ...FLOATS, 20, 1700, 28, 5069]); // int8, numeric, xid, xid8
const JSON_TEXTS = new Set([114, 3802, 25]); // json, jsonb, text

/**
 * How a value reads when nothing else is asked for: a number that JavaScript always holds exactly is a number, int8 and
 * numeric stay digits, timestamps become ISO 8601 with all their digits; the rest is as PostgreSQL writes it.
 */
const AS_STORED = new Map<number, Decoder>([
  [BOOL, (text) => text === 't'],
  ...TIMESTAMPS.map((oid): [number, Decoder] => [oid, isoTimestamp]),
  ...SMALL_INTEGERS.map((oid): [number, Decoder] => [oid, Number]),
  ...FLOATS.map((oid): [number, Decoder] => [oid, finiteOrText]),
]);

/** Once per tool. Fields that are `z.int()` or `z.number()` take int8 and numeric too; objects and arrays take JSON. */
export function compileShape(shape: Readonly<Record<string, z.ZodType>>): CompiledShape {
  return { fields: Object.entries(shape).map(([name, schema]) => compileField(name, schema)), columns: new WeakMap() };
}

/**
 * Turns rows into plain objects, with the fields of the shape, or with the columns as stored where there is none. Fails
 * with INTERNAL when the columns are not those of the shape or a value does not fit it: the statement is wrong then.
 */
export function decodeRows({ fields, rows }: Result, shape?: CompiledShape): Record<string, unknown>[] {
  const columns = shape ? columnsOf(fields, shape) : fields.map(columnAsStored);
  return rows.map((values) => {
    const row: Record<string, unknown> = {};
    for (const { name, index, decode, nullable } of columns) {
      const text = values[index] ?? null;
      if (text === null && !nullable) throw unfit(name, 'is null');
      row[name] = text === null ? null : decode(text);
    }
    return row;
  });
}

/** One value of each column, in their order, as they read where nothing else is asked for: names may be there twice. */
export function decodeCells(
  typeOids: readonly number[],
  rows: readonly (readonly (string | null)[])[],
): (readonly unknown[])[] {
  const decoders = typeOids.map((typeOid) => AS_STORED.get(typeOid) ?? asIs);
  return rows.map((values) =>
    values.map((text, i) => {
      const decode = decoders[i] ?? asIs;
      return text === null ? null : decode(text);
    }),
  );
}

/** What is used of the definition of a zod schema; https://zod.dev/packages/core#internals */
interface Definition {
  readonly type: string;
  readonly format?: string;
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly format?: string } } }[];
  readonly values?: readonly unknown[];
  readonly innerType?: z.ZodType;
}

const WANTED: Readonly<Record<string, Wanted>> = {
  string: 'text',
  enum: 'text',
  template_literal: 'text',
  boolean: 'boolean',
  number: 'number',
  array: 'json',
  tuple: 'json',
  object: 'json',
  record: 'json',
  lazy: 'json',
  any: 'as stored',
  unknown: 'as stored',
  union: 'as stored',
};
const INTEGER_FORMATS = ['safeint', 'int32', 'uint32'];

function compileField(name: string, schema: z.ZodType): WantedField {
  let definition = schema.def as unknown as Definition;
  let nullable = false;
  while (definition.innerType) {
    nullable ||= definition.type === 'nullable';
    definition = definition.innerType.def as unknown as Definition;
  }
  const wanted = wantedBy(definition);
  if (!wanted) throw new Error(`the field ${name} is declared as ${definition.type}, which no column can become`);
  return { name, wanted, nullable: nullable || wanted === 'as stored' };
}

function wantedBy({ type, format, checks = [], values = [] }: Definition): Wanted | undefined {
  if (type === 'literal') return WANTED[typeof values[0]];
  const formats = [format, ...checks.map(({ _zod }) => _zod.def.format)];
  if (type === 'number' && formats.some((each) => INTEGER_FORMATS.includes(each ?? ''))) return 'integer';
  return WANTED[type];
}

function columnsOf(fields: readonly Field[], shape: CompiledShape): readonly Column[] {
  const known = shape.columns.get(fields);
  if (known) return known;
  const names = shape.fields.map(({ name }) => name);
  const stray = fields.find(({ name }, i) => !names.includes(name) || fields.findIndex((f) => f.name === name) !== i);
  if (stray) throw unfit(stray.name, 'is not declared, or there twice');
  const columns = shape.fields.map(({ name, wanted, nullable }) => {
    const index = fields.findIndex((field) => field.name === name);
    return { name, index, nullable, decode: decoderFor(name, fields[index], wanted) };
  });
  shape.columns.set(fields, columns);
  return columns;
}

function columnAsStored({ name, typeOid }: Field, index: number): Column {
  return { name, index, nullable: true, decode: AS_STORED.get(typeOid) ?? asIs };
}

function decoderFor(name: string, field: Field | undefined, wanted: Wanted): Decoder {
  if (!field) throw unfit(name, 'is declared but not selected');
  const { takes, decoder } = DECODERS[wanted];
  if (takes && !takes.has(field.typeOid))
    throw unfit(name, `is of the type ${field.typeOid}, which does not read as ${wanted}`);
  return decoder(name, field.typeOid);
}

const DECODERS: Readonly<
  Record<Wanted, { readonly takes?: ReadonlySet<number>; readonly decoder: (name: string, typeOid: number) => Decoder }>
> = {
  'as stored': { decoder: (_, typeOid) => AS_STORED.get(typeOid) ?? asIs },
  text: { decoder: (_, typeOid) => (TIMESTAMPS.includes(typeOid) ? isoTimestamp : asIs) },
  boolean: { takes: new Set([BOOL]), decoder: () => (text) => text === 't' },
  json: { takes: JSON_TEXTS, decoder: (name) => (text) => parseJson(name, text) },
  integer: { takes: NUMBERS, decoder: (name) => (text) => exactInteger(name, text) },
  number: { takes: NUMBERS, decoder: (name) => (text) => finiteNumber(name, text) },
};

function asIs(text: string): string {
  return text;
}

/**
 * Beyond 2^53 it is the last number that is exact, which is also the last that JSON schemas take as an integer: one
 * counter must not cost the answer. The value itself is left out of the message: it may be anybody's data.
 */
function exactInteger(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw unfit(name, 'has a value that is no integer');
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER));
}

function finiteNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw unfit(name, 'has a value that is no finite number');
  return value;
}

/** JSON has no NaN and no Infinity, so those stay text; JavaScript writes -0 without its sign. */
function finiteOrText(text: string): number | string {
  const value = Number(text);
  return Number.isFinite(value) && !Object.is(value, -0) ? value : text;
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unfit(name, 'has a value that is no JSON');
  }
}

/**
 * `2026-11-20 18:54:37.123456+00` becomes `2026-11-20T18:54:37.123456Z`. `infinity`, years before Christ and years of
 * five digits, which ISO 8601 has not, stay as PostgreSQL wrote them.
 */
function isoTimestamp(text: string): string {
  if (text[10] !== ' ' || text.endsWith('BC')) return text;
  const iso = `${text.slice(0, 10)}T${text.slice(11)}`;
  return iso.endsWith('+00') ? `${iso.slice(0, -3)}Z` : iso;
}

function unfit(column: string, problem: string): PlatformError {
  return new PlatformError('INTERNAL', `The column "${column}" ${problem}.`, {
    hint: 'Report this: the statement of the tool does not match what it declares.',
    details: { column },
  });
}
