import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.ts';
import { PlatformError } from '../core/errors.ts';
import type { KeyRing } from '../store/key-ring.ts';
import type { Draft } from './chain.ts';

/** What a call really ran: kept sealed, for auditors alone. */
export const ExactStatement = z.strictObject({
  sql: z.string(),
  /** As the server was sent them. */
  parameters: z.array(z.string().nullable()).readonly(),
  /** The relations and columns that it touches, such as `public.orders.total`. */
  relations: z.array(z.string()).readonly(),
});
export type ExactStatement = z.output<typeof ExactStatement>;

/** As it stands in the table howdah.audit_statement. */
export interface StatementRow {
  readonly callId: string;
  readonly at: string;
  readonly keyId: string;
  readonly sealed: Buffer;
}

/** Of its JSON; longer than any request can be. */
const MAX_CHARACTERS = 2_097_152;

/** Fails with INVALID_INPUT for a statement that is too long to be on record whole. */
export function requireKeepable(statement: ExactStatement): void {
  if (canonicalJson(statement).length <= MAX_CHARACTERS) return;
  throw new PlatformError('INVALID_INPUT', 'The statement is too long to be kept on record.', {
    hint: `Send less than ${MAX_CHARACTERS} characters, parameters included.`,
  });
}

export function sealStatement(keys: Pick<KeyRing, 'seal'>, callId: string, statement: ExactStatement) {
  return keys.seal(deflateRawSync(canonicalJson(statement)), placeOf(callId));
}

/** Fails with CONFIG_INVALID where its key is not known, and with INTERNAL where it was changed or moved. */
export function openStatement(keys: Pick<KeyRing, 'open'>, row: Omit<StatementRow, 'at'>): ExactStatement {
  const plain = keys.open({ keyId: row.keyId, bytes: row.sealed }, placeOf(row.callId));
  const text = inflateRawSync(plain, { maxOutputLength: 4 * MAX_CHARACTERS }).toString();
  return ExactStatement.parse(JSON.parse(text));
}

function placeOf(callId: string): string {
  return `audit_statement/${callId}`;
}

/** A draft is what is hashed; what is stored beside the event goes with it until it is written. */
const attached = new WeakMap<Draft, StatementRow>();

export function attachStatement(draft: Draft, row: StatementRow): void {
  attached.set(draft, row);
}

export function statementOf(draft: Draft): StatementRow | undefined {
  return attached.get(draft);
}
