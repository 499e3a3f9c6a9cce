import type { Step } from '../postgres/wire.ts';
import { bindRow, isBound } from '../store/bound-row.ts';
import { isoTime } from '../store/iso-time.ts';
import type { KeyRing } from '../store/key-ring.ts';
import type { Store } from '../store/open-store.ts';
import type { Grant } from './policy.ts';

/** The end of a grant before or at its time. */
export interface GrantEnd {
  /** UUIDv7. */
  readonly id: string;
  readonly grant_id: string;
  readonly how: 'revoked' | 'expired';
  readonly at: string;
  readonly author: string;
  readonly reason: string;
}

export interface FoundGrant {
  readonly grant: Grant;
  /** How it has ended, where that is on record. */
  readonly end: GrantEnd | undefined;
  readonly isPast: boolean;
}

/** A row that is not what Howdah wrote. */
export interface RefusedRow {
  readonly table: string;
  readonly row: string;
}

type Rows = Pick<Store, 'exchange' | 'keys'>;

export const GRANT_TABLE = 'persona_grant';
export const GRANT_END_TABLE = 'persona_grant_end';

const GRANTS = `select id, issuer, subject, role, persona, ${isoTime('at')}, ${isoTime('until')}, author, reason, event_id, key_id, mac,
    (until <= clock_timestamp())::text
  from howdah.${GRANT_TABLE} where until > clock_timestamp() - $1::interval order by id desc`;
const ENDS = `select id, grant_id, how, ${isoTime('at')}, author, reason, event_id, key_id, mac
  from howdah.${GRANT_END_TABLE}
 where grant_id in (select id from howdah.${GRANT_TABLE} where until > clock_timestamp() - $1::interval) order by id`;

type Row = readonly (string | null)[];

/** Those that end or have ended since `past` before now, such as `1 day`; the newest first. */
export async function readGrants(
  { exchange, keys }: Rows,
  past: string,
): Promise<{ readonly found: FoundGrant[]; readonly refused: RefusedRow[] }> {
  const [grants, ends] = await exchange([
    { text: GRANTS, values: [past] },
    { text: ENDS, values: [past] },
  ]);
  const refused: RefusedRow[] = [];
  const endOf = new Map<string, GrantEnd>();
  for (const row of ends?.rows ?? []) {
    const end = endIn(row);
    if (!isWritten(keys, GRANT_END_TABLE, { ...end }, row.slice(6)))
      refused.push({ table: GRANT_END_TABLE, row: end.id });
    else if (!endOf.has(end.grant_id)) endOf.set(end.grant_id, end);
  }
  const found: FoundGrant[] = [];
  for (const row of grants?.rows ?? []) {
    const grant = grantIn(row);
    if (!isWritten(keys, GRANT_TABLE, { ...grant }, row.slice(9))) refused.push({ table: GRANT_TABLE, row: grant.id });
    else found.push({ grant, end: endOf.get(grant.id), isPast: row.at(-1) === 'true' });
  }
  return { found, refused };
}

function endIn(row: Row): GrantEnd {
  const [id, grantId, how, at, author, reason] = row.map(String) as [string, string, GrantEnd['how'], ...string[]];
  return { id, grant_id: grantId, how, at: String(at), author: String(author), reason: String(reason) };
}

function grantIn(row: Row): Grant {
  const [issuer = null, subject = null, role = null] = row.slice(1, 4);
  const [persona, at, until, author, reason] = row.slice(4).map(String) as [string, string, string, string, string];
  return { id: String(row[0]), issuer, subject, role, persona, at, until, author, reason };
}

function isWritten(keys: KeyRing, table: string, row: Readonly<Record<string, unknown>>, binding: Row): boolean {
  const [eventId, keyId, mac] = binding.map(String) as [string, string, string];
  return isBound(keys, table, row, { event_id: eventId, key_id: keyId, mac });
}

/** Binds a grant to its event; the step writes it. */
export function grantStep(keys: KeyRing, grant: Grant, eventId: string): Step & { readonly digest: string } {
  const { key_id: keyId, mac, digest } = bindRow(keys, GRANT_TABLE, { ...grant }, eventId);
  const { id, issuer, subject, role, persona, at, until, author, reason } = grant;
  return {
    text: `insert into howdah.${GRANT_TABLE}
        (id, issuer, subject, role, persona, at, until, author, reason, event_id, key_id, mac)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id`,
    values: [id, issuer, subject, role, persona, at, until, author, reason, eventId, keyId, mac],
    digest,
  };
}

/** Binds the end of a grant to its event; the step writes it. */
export function grantEndStep(keys: KeyRing, end: GrantEnd, eventId: string): Step & { readonly digest: string } {
  const { key_id: keyId, mac, digest } = bindRow(keys, GRANT_END_TABLE, { ...end }, eventId);
  const { id, grant_id: grantId, how, at, author, reason } = end;
  return {
    text: `insert into howdah.${GRANT_END_TABLE} (id, grant_id, how, at, author, reason, event_id, key_id, mac)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
    values: [id, grantId, how, at, author, reason, eventId, keyId, mac],
    digest,
  };
}
