import type { Step } from '../postgres/wire.ts';
import { bindRow, isBound } from '../store/bound-row.ts';
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

const iso = (column: string) => `pg_catalog.to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const GRANTS = `select id, issuer, subject, role, persona, ${iso('at')}, ${iso('until')}, author, reason, event_id, key_id, mac,
    (until <= clock_timestamp())::text
  from howdah.${GRANT_TABLE} where until > clock_timestamp() - $1::interval order by id desc`;
const ENDS = `select id, grant_id, how, ${iso('at')}, author, reason, event_id, key_id, mac
  from howdah.${GRANT_END_TABLE}
 where grant_id in (select id from howdah.${GRANT_TABLE} where until > clock_timestamp() - $1::interval) order by id`;

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
    const [id = '', grantId = '', how, at = '', author = '', reason = '', ...binding] = row.map((value) => value ?? '');
    const end: GrantEnd = { id, grant_id: grantId, how: how as GrantEnd['how'], at, author, reason };
    if (!isWritten(keys, GRANT_END_TABLE, { ...end }, binding)) refused.push({ table: GRANT_END_TABLE, row: id });
    else if (!endOf.has(grantId)) endOf.set(grantId, end);
  }
  const found: FoundGrant[] = [];
  for (const row of grants?.rows ?? []) {
    const [issuer = null, subject = null, role = null] = row.slice(1, 4);
    const [id = '', , , , persona = '', at = '', until = '', author = '', reason = '', ...rest] = row.map(
      (value) => value ?? '',
    );
    const grant: Grant = { id, issuer, subject, role, persona, at, until, author, reason };
    if (!isWritten(keys, GRANT_TABLE, { ...grant }, rest)) refused.push({ table: GRANT_TABLE, row: id });
    else found.push({ grant, end: endOf.get(id), isPast: rest[3] === 'true' });
  }
  return { found, refused };
}

function isWritten(
  keys: KeyRing,
  table: string,
  row: Readonly<Record<string, unknown>>,
  [eventId = '', keyId = '', mac = '']: readonly string[],
): boolean {
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
