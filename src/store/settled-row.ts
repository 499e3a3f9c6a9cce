import { canonicalJson } from '../core/canonical-json.ts';
import type { KeyRing } from './key-ring.ts';

/** Where a row is, or was to be. */
export interface RowPlace {
  readonly table: string;
  /** The primary key as text. */
  readonly row: string;
}

/** What became of a row that an event told of before it was written: `withdraws` says that it was not, `confirms` that it was. */
export type Settling = 'withdraws' | 'confirms';

const SETTLINGS = ['withdraws', 'confirms'] as const;
const PURPOSE = 'bound_row_settled';

/**
 * The `details` of an event that says what became of the row which the event `eventId` told of. It has an HMAC of its
 * own: whoever owns the database can begin a chain, and must not be able to say there that a row never was.
 */
export function settleRow(
  keys: Pick<KeyRing, 'authenticate'>,
  how: Settling,
  { table, row }: RowPlace,
  eventId: string,
): Readonly<Record<string, string>> {
  const { keyId, mac } = keys.authenticate(textOf(how, { table, row }, eventId), PURPOSE);
  // in hexadecimal, which nothing takes for a secret to be left out
  return { table, row, [how]: eventId, key_id: keyId, mac: Buffer.from(mac, 'base64url').toString('hex') };
}

/** What the details of an event settle; undefined where they settle nothing, or Howdah did not write them. */
export function readSettled(
  keys: Pick<KeyRing, 'isAuthentic'>,
  details: unknown,
): (RowPlace & { readonly how: Settling; readonly eventId: string }) | undefined {
  const said = (details ?? {}) as Readonly<Record<string, unknown>>;
  const how = SETTLINGS.find((each) => typeof said[each] === 'string');
  if (how === undefined) return undefined;
  const [eventId, table, row, keyId, mac] = [said[how], said['table'], said['row'], said['key_id'], said['mac']].map(
    String,
  ) as [string, string, string, string, string];
  const given = { keyId, mac: Buffer.from(mac, 'hex').toString('base64url') };
  if (!keys.isAuthentic(textOf(how, { table, row }, eventId), PURPOSE, given)) return undefined;
  return { how, eventId, table, row };
}

function textOf(how: Settling, { table, row }: RowPlace, eventId: string): string {
  return canonicalJson({ how, event_id: eventId, row, table });
}
