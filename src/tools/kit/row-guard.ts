import { z } from 'zod';
import type { HiddenData, Place } from '../../calls/hidden-data.ts';
import type { RowShape } from './tool.ts';

/**
 * What a field names. A row that names a hidden schema, table (any relation), index, sequence, view, column, constraint,
 * trigger, policy, function or type is left out; a `text`, `statement` or `bound` that may show something hidden is null.
 * A field without `names` is read as a text.
 */
const NAMED = [
  'schema',
  'table',
  'index',
  'sequence',
  'view',
  'column',
  'constraint',
  'trigger',
  'policy',
  'function',
  'type',
  'text',
  'statement',
  'bound',
  'database',
] as const;
type Named = (typeof NAMED)[number];

/** What these fields hold is no name of a database's own: roles, servers, and words of PostgreSQL. */
const NOT_OF_A_DATABASE: ReadonlySet<string> = new Set(
  [
    'owner user role roles grantee grantor member member_of open_to executable_by function_owner through attributes',
    'commands command public_may backend_type backend_types wait_event_type wait_event state phase locktype mode',
    'lock_type lock_mode unit step_unit context source category on_delete on_update server pooler client_address',
    'address version language worker_type io_method',
  ].flatMap((keys) => keys.split(' ')),
);

interface GuardedField {
  readonly key: string;
  readonly names: Named | undefined;
  readonly nullable: boolean;
  /** The value is taken away, and not the row. */
  readonly blanked: boolean;
  readonly schemaKey: string | undefined;
  readonly tableKey: string | undefined;
  /** Of an object, or of each object of a list. */
  readonly nested: RowGuard | undefined;
}

/** The fields of a row that can name something hidden. */
export type RowGuard = readonly GuardedField[];

type Row = Record<string, unknown>;

/** Whose rows they are. */
export interface Seen {
  readonly hidden: HiddenData;
  /** The database that was asked. */
  readonly database: string;
  /** The relation that the rows are about, where the statement was asked for one. */
  readonly oid: number | undefined;
}

export interface GuardedRows<R extends Row> {
  readonly rows: R[];
  readonly withheld: number;
  /** Texts that were taken out of the rows that stay. */
  readonly texts: number;
}

export function guardOf(shape: RowShape): RowGuard {
  return Object.entries(shape).flatMap(([key, type]) => guardField(key, type, shape) ?? []);
}

/** The rows that may be seen, each without the texts that may not: changes them in place. */
export function guardRows<R extends Row>(rows: readonly R[], guard: RowGuard, seen: Seen): GuardedRows<R> {
  let texts = 0;
  const shown = rows.filter((row) => {
    const look = createLook(row, guard, seen);
    if (!guard.every((field) => mayStay(field, look))) return false;
    texts += look.texts;
    return true;
  });
  return { rows: shown, withheld: rows.length - shown.length, texts };
}

function guardField(key: string, type: z.ZodType, shape: RowShape): GuardedField | undefined {
  const meta = type.meta() ?? {};
  const names = NAMED.find((each) => each === meta['names']);
  const { inner, nullable } = unwrap(type);
  const nested = nestedGuard(inner);
  if (names === undefined && nested === undefined && (NOT_OF_A_DATABASE.has(key) || !isText(inner))) return undefined;
  const near = (what: string) =>
    [
      meta[what],
      `${key}_${what}`,
      key.replace(/[a-z]+$/, what),
      what,
      ...(what === 'table' ? ['relation', 'view'] : []),
    ].find((each): each is string => typeof each === 'string' && each !== key && each in shape);
  return {
    key,
    names,
    nullable,
    blanked: meta['withhold'] === 'value',
    schemaKey: near('schema'),
    tableKey: near('table'),
    nested,
  };
}

function unwrap(type: z.ZodType): { readonly inner: z.ZodType; readonly nullable: boolean } {
  let [inner, nullable] = [type, false];
  while (inner instanceof z.ZodNullable || inner instanceof z.ZodOptional) {
    nullable ||= inner instanceof z.ZodNullable;
    inner = inner.unwrap() as z.ZodType;
  }
  return { inner, nullable };
}

function nestedGuard(type: z.ZodType): RowGuard | undefined {
  const element = type instanceof z.ZodArray ? unwrap(type.element as z.ZodType).inner : type;
  return element instanceof z.ZodObject ? guardOf(element.shape) : undefined;
}

/** Not a choice of words, nor a time. */
function isText(type: z.ZodType): boolean {
  if (type instanceof z.ZodArray) return isText(unwrap(type.element as z.ZodType).inner);
  return type instanceof z.ZodString;
}

interface Look extends Seen {
  readonly row: Row;
  readonly isElsewhere: boolean;
  /** Whether a column that the row is about is masked. */
  readonly isMasked: boolean;
  texts: number;
}

function createLook(row: Row, guard: RowGuard, seen: Seen): Look {
  const named = (names: Named) => guard.filter((field) => field.names === names);
  const databases = named('database').map(({ key }) => row[key]);
  return {
    ...seen,
    row,
    isElsewhere: databases.some((database) => typeof database === 'string' && database !== seen.database),
    isMasked: named('column').some((field) =>
      valuesOf(row[field.key]).some((name) => placesOf(field, row, seen).some((at) => seen.hidden.isMasked(at, name))),
    ),
    texts: 0,
  };
}

/** False where the row is to be left out; takes texts out of one that stays. */
function mayStay(field: GuardedField, look: Look): boolean {
  const { row } = look;
  const { key, names, nested } = field;
  const value = row[key];
  if (value === null || value === undefined) return true;
  if (nested !== undefined) return guardNested(field, nested, look);
  if (names === 'database') return true;
  if (names === undefined || names === 'text' || names === 'statement' || names === 'bound') {
    return guardText(field, look);
  }
  if (!valuesOf(value).some((name) => isHidden(field, name, look))) return true;
  if (!field.blanked) return false;
  if (Array.isArray(value)) {
    row[key] = value.filter((name) => typeof name !== 'string' || !isHidden(field, name, look));
    return true;
  }
  row[key] = null;
  return field.nullable;
}

type Judge = (field: GuardedField, name: string, look: Look) => boolean;

const isHiddenRelation: Judge = (field, name, { hidden, row }) => hidden.relation(schemaOf(field, row), name);
/** The schema of the row decides where it has one. */
const isHiddenRoutine: Judge = (field, name, { hidden, row }) => schemaOf(field, row) === null && hidden.mentions(name);

const JUDGES: Readonly<Partial<Record<Named, Judge>>> = {
  schema: (_, name, { hidden }) => hidden.schema(name),
  table: isHiddenRelation,
  view: isHiddenRelation,
  sequence: isHiddenRelation,
  index: (field, name, look) =>
    isHiddenObject(field, name, look) || (schemaOf(field, look.row) !== null && isHiddenRelation(field, name, look)),
  column: isHiddenColumn,
  constraint: isHiddenObject,
  trigger: isHiddenObject,
  policy: isHiddenObject,
  function: isHiddenRoutine,
  type: isHiddenRoutine,
};

function isHidden(field: GuardedField, name: string, look: Look): boolean {
  const judge = field.names && JUDGES[field.names];
  return judge ? judge(field, name, look) : look.hidden.mentions(name);
}

function schemaOf({ schemaKey }: GuardedField, row: Row): string | null {
  return schemaKey === undefined ? null : (row[schemaKey] as string | null);
}

function isHiddenColumn(field: GuardedField, name: string, look: Look): boolean {
  const { hidden, row } = look;
  const places = placesOf(field, row, look);
  const [whole, leading] = namesIn(name);
  // a list may say the type of each behind its name
  if (field.blanked && whole !== leading && hidden.mentions(name.slice(leading.length))) return true;
  const at = places.length === 0 ? [undefined] : places;
  return [whole, leading].some((column) => at.some((place) => hidden.column(place, column)));
}

function isHiddenObject(field: GuardedField, name: string, look: Look): boolean {
  const { hidden, row } = look;
  const places = placesOf(field, row, look);
  return places.length === 0 ? hidden.mentions(name) : places.some((place) => hidden.object(place, name));
}

/** The table that a field of the row belongs to, and the one that was asked for. */
function placesOf({ tableKey, schemaKey }: GuardedField, row: Row, { oid }: Seen): Place[] {
  const places: Place[] = oid === undefined ? [] : [{ oid }];
  const table = tableKey === undefined ? undefined : row[tableKey];
  if (typeof table === 'number') places.push({ oid: table });
  const prefix = tableKey?.replace(/[a-z]+$/, 'schema');
  const schema = row[prefix !== undefined && prefix in row ? prefix : (schemaKey ?? 'schema')];
  if (typeof table === 'string' && typeof schema === 'string') places.push({ schema, table });
  return places;
}

function guardText(field: GuardedField, look: Look): boolean {
  const { row } = look;
  const { key } = field;
  const value = row[key];
  if (Array.isArray(value)) {
    const shown = value.filter((each) => typeof each !== 'string' || !isSecret(field, each, look));
    look.texts += value.length - shown.length;
    row[key] = shown;
    return true;
  }
  if (typeof value !== 'string' || !isSecret(field, value, look)) return true;
  if (!field.nullable) return false;
  look.texts++;
  row[key] = null;
  return true;
}

function isSecret({ names, tableKey, schemaKey }: GuardedField, text: string, look: Look): boolean {
  const { hidden, isElsewhere, isMasked } = look;
  if (names === 'statement') return hidden.statement(text, isElsewhere);
  if (names === undefined) return hidden.mentions(text);
  if (isMasked) return true;
  if (names === 'bound') {
    const places = placesOf({ tableKey, schemaKey } as GuardedField, look.row, look);
    if (places.length === 0 ? hidden.bound(undefined) : places.some((place) => hidden.bound(place))) return true;
  }
  return hidden.reveals(text);
}

function guardNested(field: GuardedField, nested: RowGuard, look: Look): boolean {
  const { row } = look;
  const value = row[field.key];
  const list = (Array.isArray(value) ? value : [value]) as Row[];
  const shown = guardRows(list, nested, look);
  look.texts += shown.texts + shown.withheld;
  if (Array.isArray(value)) row[field.key] = shown.rows;
  else if (shown.withheld > 0) row[field.key] = null;
  return row[field.key] !== null || field.nullable;
}

function valuesOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');
}

/** A list of columns may say more of each behind its quoted name. */
function namesIn(text: string): readonly [whole: string, leading: string] {
  const quoted = /^"((?:[^"]|"")*)"/.exec(text)?.[1];
  return [text, quoted === undefined ? (/^\S*/.exec(text)?.[0] ?? '') : quoted.replaceAll('""', '"')];
}
