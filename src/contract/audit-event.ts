import { z } from 'zod';
import { ErrorCode } from './error-code.ts';

/**
 * What an audit event tells of. A call has one `ended` event, and a `begun` one before it if it may change or reveal rows.
 * `refused` counts the requests of one address within a minute that never became a call.
 */
export const AuditKind = z.enum([
  'opened',
  'closed',
  'begun',
  'ended',
  'refused',
  'configuration',
  'persona',
  'audit_read',
]);
export type AuditKind = z.output<typeof AuditKind>;

export const Outcome = z.enum(['OK', ...ErrorCode.options]);
export type Outcome = z.output<typeof Outcome>;

const text = z.string().nullable();
const count = z.int().min(0).nullable();

/** One line of the audit log. Its keys are the columns of the log, in this order; a test pins them. */
export const AuditEvent = z.strictObject({
  id: z.uuid().describe('UUIDv7 of the event.'),
  at: z.iso.datetime({ precision: 3 }),
  kind: AuditKind,
  call_id: text.describe('The id that the answer carries as `howdah/call_id`.'),
  principal_issuer: text,
  principal_subject: text,
  principal_method: text,
  principal_client: text,
  principal_roles: z.array(z.string()),
  persona: text,
  policy_version: text,
  operation: text,
  called_as: text.describe('The name that the caller used, where it is an alias.'),
  access_class: text,
  server: text,
  database: text,
  input: z.unknown().describe('The arguments, redacted.'),
  sql_text: text.describe('Normalised: constants replaced.'),
  sql_fingerprint: text,
  decision: z.enum(['allow', 'deny']).nullable(),
  rule: text.describe('The rule that decided.'),
  outcome: Outcome.nullable(),
  rows: count,
  bytes: count,
  truncated: z.boolean().nullable(),
  duration_ms: z.number().min(0).nullable(),
  purpose: text,
  request_id: text,
  trace_id: text,
  transport: text,
  protocol_version: text,
  client_name: text,
  client_version: text,
  source_address: text,
  details: z.unknown().describe('What this kind of event has beyond the columns.'),
  chain: z.string().describe('The hash chain, one per writer.'),
  sequence: z.int().min(0),
  previous_hash: z.string(),
  hash: z.string().describe('SHA-256 over the event without this key, as RFC 8785 JSON, in hexadecimal.'),
});
export type AuditEvent = z.output<typeof AuditEvent>;
