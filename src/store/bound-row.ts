import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import type { KeyRing } from './key-ring.ts';

/** What ties a row to the audit event of its making; the first two stand in the row. */
export interface Binding {
  readonly key_id: string;
  readonly mac: string;
  /** SHA-256 over the same, in hexadecimal: what `details` of the event has. */
  readonly digest: string;
}

const PURPOSE = 'bound row';

/** Binds a row, without the columns of the binding, so that one which somebody else wrote is found. */
export function bindRow(
  keys: KeyRing,
  table: string,
  row: Readonly<Record<string, unknown>>,
  eventId: string,
): Binding {
  const text = textOf(table, row, eventId);
  const { keyId, mac } = keys.authenticate(text, PURPOSE);
  return { key_id: keyId, mac, digest: createHash('sha256').update(text).digest('hex') };
}

/** Whether a row is as it was when it was bound to its event. */
export function isBound(
  keys: KeyRing,
  table: string,
  row: Readonly<Record<string, unknown>>,
  binding: { readonly event_id: string; readonly key_id: string; readonly mac: string },
): boolean {
  const { event_id: eventId, key_id: keyId, mac } = binding;
  return keys.isAuthentic(textOf(table, row, eventId), PURPOSE, { keyId, mac });
}

function textOf(table: string, row: Readonly<Record<string, unknown>>, eventId: string): string {
  return canonicalJson({ table, event_id: eventId, row });
}
