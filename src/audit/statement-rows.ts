import { z } from 'zod';
import { arrayText } from '../postgres/parameter-text.ts';
import type { Step } from '../postgres/wire.ts';
import { isoTime } from '../store/iso-time.ts';
import type { Exchange } from './store-scan.ts';
import type { StatementRow } from './statement.ts';

const INSERT = `insert into howdah.audit_statement (call_id, at, key_id, sealed)
  select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::bytea[]) on conflict do nothing`;

/** Writes statements beside their events; none where there are none. */
export function insertStatements(rows: readonly (StatementRow | undefined)[]): readonly Step[] {
  const present = rows.filter((row) => row !== undefined);
  if (present.length === 0) return [];
  const values = [
    arrayText(present.map(({ callId }) => callId)),
    arrayText(present.map(({ at }) => at)),
    arrayText(present.map(({ keyId }) => keyId)),
    arrayText(present.map(({ sealed }) => `\\x${sealed.toString('hex')}`)),
  ];
  return [{ text: INSERT, values }];
}

const READ = `select ${isoTime('s.at')}, s.key_id, encode(s.sealed, 'hex')
  from howdah.audit_statement s where s.call_id = $1 order by s.at limit 1`;

export async function readStatement(exchange: Exchange, callId: string): Promise<StatementRow | undefined> {
  const [result] = await exchange([{ text: READ, values: [callId] }]);
  const [row] = result?.rows ?? [];
  if (row === undefined) return undefined;
  const [at, keyId, hex] = row;
  return { callId, at: at ?? '', keyId: keyId ?? '', sealed: Buffer.from(hex ?? '', 'hex') };
}

const TOLD = `select 1 from howdah.audit_event where call_id = $1 and kind = 'ended'
  and (details -> 'statement_digest')::text = '"' || $2 || '"' limit 1`;

/** Whether the event of the call tells of the statement as it stands. */
export async function isTold(exchange: Exchange, callId: string, digest: string): Promise<boolean> {
  const [result] = await exchange([{ text: TOLD, values: [callId, digest] }]);
  return result?.rows.length === 1;
}

/** How a statement stands in a spool: beside its event, and sealed there too. */
const Line = z.strictObject({
  statement: z.strictObject({ call_id: z.string(), at: z.string(), key_id: z.string(), sealed: z.string() }),
});

export function lineOf({ callId, at, keyId, sealed }: StatementRow): string {
  return JSON.stringify({ statement: { call_id: callId, at, key_id: keyId, sealed: sealed.toString('base64') } });
}

/** Undefined for any other line. */
export function readLine(bytes: Buffer): StatementRow | undefined {
  if (!bytes.subarray(0, 14).equals(Buffer.from('{"statement":{'))) return undefined;
  const { statement } = Line.parse(JSON.parse(bytes.toString()));
  const { call_id: callId, at, key_id: keyId, sealed } = statement;
  return { callId, at, keyId, sealed: Buffer.from(sealed, 'base64') };
}
