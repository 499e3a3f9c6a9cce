import { AuditEvent } from '../contract/audit-event.ts';
import { PlatformError } from '../core/errors.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { cutText, redact, redactText } from './redact.ts';

/** Every column but the place in a chain, which only the log can give. */
const { shape } = AuditEvent.omit({ chain: true, sequence: true, previous_hash: true, hash: true });
export type ColumnName = keyof typeof shape;

/** In the order of canonical JSON. */
export const COLUMN_NAMES = Object.keys(shape).toSorted() as ColumnName[];

/** Longest statement text that is kept, in characters; other texts are shorter. */
const MAX_SQL = 65_536;

/**
 * Columns of the store's indexes, whose entries PostgreSQL refuses beyond 2,704 bytes: a longer name, such as the subject
 * of a token, would be an event that can never be written.
 */
const INDEXED: ReadonlySet<ColumnName> = new Set(['principal_subject', 'operation', 'server', 'call_id', 'outcome']);
const MAX_INDEXED = 500;

/** What ids are made of; nothing that looks like a secret is made of that alone. */
const HEXADECIMAL = /^[0-9a-f-]{1,64}$/;

/**
 * Names of principals, operations, clients and rules come again with every call, so that the text which each became is
 * kept: to search it for secrets again would cost more than all the rest of an event.
 */
const MAX_KEPT = 1000;
const MAX_KEPT_LENGTH = 200;

interface Column {
  readonly takesAnyText: boolean;
  /** What it says of an event that has nothing to say there; undefined where it must say something. */
  readonly empty: string | undefined;
  /** The canonical JSON of texts that were found to fit and to hold no secret. */
  readonly kept: Map<string, string>;
}

const keptTexts = new Map<string, string>();
const columns = Object.fromEntries(COLUMN_NAMES.map((name) => [name, describeColumn(name)])) as Readonly<
  Record<ColumnName, Column>
>;

function describeColumn(name: ColumnName): Column {
  const takes = (value: unknown) => shape[name].safeParse(value).success;
  const takesAnyText = takes('any text') && name !== 'sql_text';
  const empty = [null, []].find(takes);
  return {
    takesAnyText,
    empty: empty === undefined ? undefined : canonicalJson(empty),
    kept: takesAnyText ? keptTexts : new Map<string, string>(),
  };
}

/**
 * The canonical JSON of what a column says, redacted. Throws INTERNAL for a value that does not fit, since it could not
 * be verified later. Statement texts come masked by their own masker, which knows SQL.
 */
export function writeColumn(name: ColumnName, value: unknown): string {
  if (typeof value === 'string') return writeText(name, value);
  if (value === undefined || value === null) return columns[name].empty ?? writeChecked(name, null);
  return writeChecked(name, typeof value === 'object' ? redact(value) : value);
}

function writeText(name: ColumnName, text: string): string {
  const { takesAnyText, kept } = columns[name];
  if (takesAnyText && HEXADECIMAL.test(text)) return `"${text}"`;
  const known = kept.get(text);
  if (known !== undefined) return known;
  const redacted = bound(name, text);
  const json = writeChecked(name, redacted);
  if (redacted === text && text.length <= MAX_KEPT_LENGTH) {
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(text, json);
  }
  return json;
}

function bound(name: ColumnName, text: string): string {
  if (name === 'sql_text') return cutText(text, MAX_SQL);
  return redactText(text, INDEXED.has(name) ? MAX_INDEXED : undefined);
}

function writeChecked(name: ColumnName, value: unknown): string {
  const checked = shape[name].safeParse(value);
  if (checked.success) return canonicalJson(checked.data);
  throw new PlatformError('INTERNAL', 'The audit event does not fit the columns of the log.', { cause: checked.error });
}

/** Throws INTERNAL for a record that says something in a column that is not there. */
export function requireColumns(record: Readonly<Record<string, unknown>>): void {
  for (const name in record) {
    if (name === 'exact') continue; // stands beside the event
    if (Object.hasOwn(columns, name) || record[name] === undefined || record[name] === null) continue;
    throw new PlatformError('INTERNAL', 'The audit log has no such column.', { details: { column: name } });
  }
}
