import type { AuditRecord } from '../audit/event.ts';
import type { PlatformError } from '../core/errors.ts';
import type { CompiledPersona, Decision } from '../policy/policy.ts';
import type { CallRequest } from './execute.ts';
import type { Operation } from './operation.ts';
import type { ShapedOutput } from './shape.ts';

/** What is known of a call as it goes on, and the audit events made of it; the log redacts what it is given. */
export interface CallRecord {
  readonly callId: string;
  found(operation: Operation): void;
  chose(persona: CompiledPersona, policyVersion: string): void;
  decided(decision: Decision): void;
  parsed(input: Readonly<Record<string, unknown>>): void;
  reached(server: string, database: string): void;
  answered(shaped: ShapedOutput): void;
  failed(error: PlatformError): void;
  begun(): AuditRecord;
  ended(): AuditRecord;
}

export function createCallRecord(callId: string, request: CallRequest): CallRecord {
  const started = performance.now();
  const { principal, origin } = request;
  let known: Omit<AuditRecord, 'kind'> = {
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
    protocol_version: origin.protocolVersion ?? null,
    client_name: origin.clientName?.slice(0, 200) ?? null,
    client_version: origin.clientVersion?.slice(0, 200) ?? null,
    source_address: origin.sourceAddress ?? null,
  };
  const learn = (more: Omit<AuditRecord, 'kind'>) => {
    known = { ...known, ...more };
  };
  return {
    callId,
    found: ({ name, accessClass }) => {
      learn({ operation: name, access_class: accessClass, called_as: request.name === name ? null : request.name });
    },
    chose: ({ name }, policyVersion) => learn({ persona: name, policy_version: policyVersion }),
    decided: ({ allowed, rule }) => learn({ decision: allowed ? 'allow' : 'deny', rule }),
    parsed: (input) => learn({ input }),
    reached: (server, database) => learn({ server, database }),
    answered: ({ rows, bytes, truncated }) => learn({ rows, bytes, truncated }),
    failed: ({ code, details }) => {
      const sqlstate = details?.['sqlstate'];
      learn({
        outcome: code,
        ...(code === 'FORBIDDEN' && { decision: 'deny' as const }),
        ...(sqlstate !== undefined && { details: { sqlstate } }),
      });
    },
    begun: () => ({ ...known, kind: 'begun', outcome: null }),
    ended: () => ({ ...known, kind: 'ended', duration_ms: Math.round((performance.now() - started) * 1000) / 1000 }),
  };
}
