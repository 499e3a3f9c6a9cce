import { AuditEvent } from '../contract/audit-event.ts';
import { PlatformError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { draftEvent, EventColumns, type Draft } from './chain.ts';
import { cutText, redact, redactText } from './redact.ts';

/**
 * What the writer of an event says. The log adds `id` and `at` if they are not given, and the place in its chain;
 * other missing keys are null. The log redacts it, so that no writer can forget to.
 */
export type AuditRecord = { readonly kind: AuditEvent['kind'] } & {
  readonly [Column in keyof typeof EventColumns.shape as Exclude<Column, 'kind'>]?: AuditEvent[Column] | undefined;
};

export interface AuditLog {
  /**
   * Resolves when the event is durable. Rejects with UNAVAILABLE when it cannot be written now: the caller must then
   * withhold its answer, though the event may still become durable later.
   */
  record(record: AuditRecord): Promise<void>;
  /** Writes what is queued and a last event. Rejects with UNAVAILABLE when that fails; the log is closed all the same. */
  close(): Promise<void>;
}

const EMPTY = {
  ...Object.fromEntries(Object.keys(EventColumns.shape).map((name) => [name, null])),
  principal_roles: [],
};

/** Longest statement text that is kept, in characters; other texts are shorter. */
const MAX_SQL = 65_536;

/** Completes and redacts a record; throws INTERNAL for one that does not fit the columns, since it could not be verified later. */
export function draftRecord(record: AuditRecord): Draft {
  const event: Record<string, unknown> = { ...EMPTY, id: uuidv7(), at: new Date().toISOString() };
  for (const [name, value] of Object.entries(record)) {
    if (value !== undefined && value !== null) event[name] = presentable(name, value);
  }
  const columns = EventColumns.safeParse(event);
  if (columns.success) return draftEvent(columns.data);
  throw new PlatformError('INTERNAL', 'The audit event does not fit the columns of the log.', { cause: columns.error });
}

/** Statement texts come masked by their own masker, which knows SQL; everything else is redacted here. */
function presentable(name: string, value: unknown): unknown {
  if (typeof value === 'string') return name === 'sql_text' ? cutText(value, MAX_SQL) : redactText(value);
  return typeof value === 'object' ? redact(value) : value;
}

/** The event of a line as it stands there, checked for its form only; undefined for anything else. */
export function parseEvent(line: Buffer): AuditEvent | undefined {
  try {
    return AuditEvent.safeParse(JSON.parse(line.toString())).data;
  } catch {
    return undefined;
  }
}
