import type { AuditEvent } from '../contract/audit-event.ts';

/** OTLP as JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
type Value =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly Value[] } };

interface Attribute {
  readonly key: string;
  readonly value: Value;
}

/** Of https://opentelemetry.io/docs/specs/semconv/ where it has a name for it; the rest is `howdah.` and the column. */
const NAMES: Readonly<Partial<Record<keyof AuditEvent, string>>> = {
  id: 'log.record.uid',
  principal_subject: 'user.id',
  principal_roles: 'user.roles',
  database: 'db.namespace',
  sql_text: 'db.query.text',
  operation: 'gen_ai.tool.name',
  client_name: 'user_agent.name',
  client_version: 'user_agent.version',
  source_address: 'client.address',
  protocol_version: 'mcp.protocol.version',
  request_id: 'jsonrpc.request.id',
};

/** What stands in fields of the record itself. */
const ELSEWHERE: ReadonlySet<string> = new Set(['at', 'trace_id']);
const FRACTIONS: ReadonlySet<string> = new Set(['duration_ms']);

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const SEVERITIES = {
  info: { severityNumber: 9, severityText: 'INFO' },
  warn: { severityNumber: 13, severityText: 'WARN' },
  error: { severityNumber: 17, severityText: 'ERROR' },
} as const;

/** Outcomes that are a fault of what serves, not of what was asked. */
const FAULTS: ReadonlySet<string | null> = new Set(['SERVER_UNREACHABLE', 'UNAVAILABLE', 'UNKNOWN', 'INTERNAL']);

/** The body of a request to `/v1/logs`. */
export function otlpLogs(events: readonly AuditEvent[], version: string): string {
  return JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: [text('service.name', 'howdah'), text('service.version', version)] },
        scopeLogs: [{ scope: { name: 'howdah.audit' }, logRecords: events.map(logRecord) }],
      },
    ],
  });
}

function logRecord(event: AuditEvent) {
  const { at, kind, operation, outcome, trace_id: traceId } = event;
  return {
    timeUnixNano: `${Date.parse(at)}000000`,
    observedTimeUnixNano: `${Date.parse(at)}000000`,
    ...SEVERITIES[severityOf(event)],
    eventName: `howdah.audit.${kind}`,
    body: { stringValue: [kind, operation, outcome].filter((part) => part !== null).join(' ') },
    attributes: [
      text('db.system.name', 'postgresql'),
      ...(outcome === null || outcome === 'OK' ? [] : [text('error.type', outcome)]),
      ...Object.entries(event).flatMap(([column, value]) => attributeOf(column, value)),
    ],
    ...(traceId !== null && /^[0-9a-f]{32}$/.test(traceId) && { traceId }),
  };
}

function severityOf({ decision, outcome }: AuditEvent): keyof typeof SEVERITIES {
  if (FAULTS.has(outcome)) return 'error';
  return decision === 'deny' || (outcome !== null && outcome !== 'OK') ? 'warn' : 'info';
}

function attributeOf(column: string, value: unknown): Attribute[] {
  if (value === null || value === undefined || ELSEWHERE.has(column)) return [];
  if (Array.isArray(value) && value.length === 0) return [];
  return [{ key: NAMES[column as keyof AuditEvent] ?? `howdah.${column}`, value: valueOf(column, value) }];
}

function valueOf(column: string, value: unknown): Value {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return FRACTIONS.has(column) ? { doubleValue: value } : { intValue: String(value) };
  const isTexts = Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (isTexts) return { arrayValue: { values: value.map((each: string) => ({ stringValue: each })) } };
  return { stringValue: JSON.stringify(value) };
}

function text(key: string, value: string): Attribute {
  return { key, value: { stringValue: value } };
}
