import { hash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import type { KeyRing } from './key-ring.ts';

/** What a row carries so that one which somebody else wrote, changed or copied is found. */
export interface Binding {
  /** The audit event that tells of the row as it stands. */
  readonly event_id: string;
  readonly key_id: string;
  readonly mac: string;
}

export type BoundRow = Readonly<Record<string, unknown>>;

const PURPOSE = 'bound_row';

/**
 * Binds a row to the audit event that is recorded of it, which has `{ table, row: <primary key as text>, digest }` in
 * its `details`. `row` has the columns that are bound as JSON values; a Date counts as its ISO text.
 */
export function bindRow(
  keys: Pick<KeyRing, 'authenticate'>,
  table: string,
  row: BoundRow,
  eventId: string,
): { readonly key_id: string; readonly mac: string; readonly digest: string } {
  const { keyId, mac } = keys.authenticate(textOf(table, row, eventId), PURPOSE);
  return { key_id: keyId, mac, digest: digestRow(table, row) };
}

export function isBound(keys: Pick<KeyRing, 'isAuthentic'>, table: string, row: BoundRow, binding: Binding): boolean {
  const { event_id: eventId, key_id: keyId, mac } = binding;
  try {
    return keys.isAuthentic(textOf(table, row, eventId), PURPOSE, { keyId, mac });
  } catch {
    return false; // what has no canonical text, such as a number beyond all numbers, was never bound
  }
}

/** SHA-256 of what is bound, in hexadecimal: what the audit event says of the row. */
export function digestRow(table: string, row: BoundRow): string {
  return hash('sha256', canonicalJson({ row: plain(row), table }), 'hex');
}

function textOf(table: string, row: BoundRow, eventId: string): string {
  return canonicalJson({ event_id: eventId, row: plain(row), table });
}

function plain(row: BoundRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  );
}
