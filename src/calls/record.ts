import type { AuditRecord } from '../audit/event.ts';
import { requireKeepable, type ExactStatement } from '../audit/statement.ts';
import type { PlatformError } from '../core/errors.ts';
import type { CompiledPersona, Decision } from '../policy/policy.ts';
import type { CallRequest } from './execute.ts';
import type { Operation } from './operation.ts';
import type { ShapedOutput } from './shape.ts';

/** Details of an error that the log keeps. */
const TOLD_OF_A_FAILURE = ['sqlstate', 'asks', 'revoked_by'] as const;

type Known = { -readonly [Column in keyof AuditRecord]: AuditRecord[Column] };

/** What is known of a call as it goes on, and the audit events made of it; the log redacts what it is given. */
export interface CallRecord {
  readonly callId: string;
  found(operation: Operation): void;
  chose(persona: CompiledPersona, policyVersion: string): void;
  decided(decision: Decision): void;
  /** Why the call is made; undefined where nothing fit to be kept was said. */
  stated(purpose: string | undefined): void;
  parsed(input: Readonly<Record<string, unknown>>): void;
  reached(server: string, database: string): void;
  /** The call answers what that one asked. */
  resumed(callId: string): void;
  answered(shaped: ShapedOutput): void;
  /** What the call is about to run. Fails with INVALID_INPUT for what is too long to be kept. */
  ran(statement: ExactStatement): void;
  failed(error: PlatformError): void;
  begun(): AuditRecord;
  ended(): AuditRecord;
}

export function createCallRecord(callId: string, request: CallRequest): CallRecord {
  const started = performance.now();
  const { principal, origin } = request;
  // written in place: a call has one record, and a copy of it at every step would cost more than the steps
  const known: Known = {
    kind: 'ended',
    call_id: callId,
    principal_issuer: principal.issuer,
    principal_subject: principal.subject,
    principal_method: principal.method,
    principal_client: principal.client,
    principal_roles: [...principal.roles],
    operation: request.name.slice(0, 200),
    input: request.arguments ?? {},
    outcome: 'OK',
    request_id: origin.requestId ?? null,
    trace_id: origin.traceId ?? null,
    transport: origin.transport,
    protocol_version: origin.protocolVersion?.slice(0, 200) ?? null,
    client_name: origin.clientName?.slice(0, 200) ?? null,
    client_version: origin.clientVersion?.slice(0, 200) ?? null,
    source_address: origin.sourceAddress ?? null,
  };
  const learn = (details: Readonly<Record<string, unknown>>) => {
    known.details = Object.assign(known.details ?? {}, details);
  };
  return {
    callId,
    found: ({ name, accessClass }) => {
      known.operation = name;
      known.access_class = accessClass;
      known.called_as = request.name === name ? null : request.name;
    },
    chose: ({ name, grant }, policyVersion) => {
      known.persona = name;
      if (grant !== undefined) learn({ grant });
      known.policy_version = policyVersion;
    },
    decided: ({ allowed, rule }) => {
      known.decision = allowed ? 'allow' : 'deny';
      known.rule = rule;
    },
    stated: (purpose) => {
      known.purpose = purpose ?? null;
    },
    parsed: (input) => {
      known.input = input;
    },
    reached: (server, database) => {
      known.server = server;
      known.database = database;
    },
    resumed: (asking) => learn({ answers_call: asking }),
    answered: ({ rows, bytes, truncated }) => {
      known.rows = rows;
      known.bytes = bytes;
      known.truncated = truncated;
    },
    ran: (statement) => {
      requireKeepable(statement);
      known.exact = statement;
    },
    failed: ({ code, details }) => {
      known.outcome = code;
      // one too many is written down too, and a flood must not fill the disk with what it sends
      if (code === 'RATE_LIMITED') known.input = null;
      if (code === 'FORBIDDEN') known.decision = 'deny';
      if (code === 'FORBIDDEN' && typeof details?.['rule'] === 'string') known.rule = details['rule'];
      for (const name of TOLD_OF_A_FAILURE) if (details?.[name] !== undefined) learn({ [name]: details[name] });
    },
    begun: () => ({ ...known, kind: 'begun', outcome: null }),
    ended: () => {
      known.duration_ms = Math.round((performance.now() - started) * 1000) / 1000;
      return known;
    },
  };
}
