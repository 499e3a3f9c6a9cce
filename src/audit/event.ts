import { AuditEvent } from '../contract/audit-event.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Draft } from './chain.ts';
import type { ExactStatement } from './statement.ts';
import { COLUMN_NAMES, requireColumns, writeColumn, type ColumnName } from './columns.ts';

/**
 * What the writer of an event says. The log adds `id` and `at` if they are not given, and the place in its chain;
 * other missing keys are null. The log redacts it, so that no writer can forget to.
 */
export type AuditRecord = { readonly kind: AuditEvent['kind'] } & {
  readonly [Column in Exclude<ColumnName, 'kind'>]?: AuditEvent[Column] | undefined;
} & {
  /** What the call really ran: the store keeps it sealed beside the event, files leave it out. */
  readonly exact?: ExactStatement | undefined;
};

export interface AuditLog {
  /**
   * Resolves when the event is durable. Rejects with UNAVAILABLE when it cannot be written now: the caller must then
   * withhold its answer, though the event may still become durable later.
   */
  record(record: AuditRecord): Promise<void>;
  /** Whether the next event can be expected to be taken. */
  isWritable(): Promise<boolean>;
  /** Writes what is queued and a last event. Rejects with UNAVAILABLE when that fails; the log is closed all the same. */
  close(): Promise<void>;
}

/**
 * Completes and redacts a record, and fixes what it says: sealing it is cheap, and later changes of the object are not
 * seen. Throws INTERNAL for one that does not fit the columns, since it could not be verified later.
 */
export function draftRecord(record: AuditRecord): Draft {
  requireColumns(record);
  return COLUMN_NAMES.map((name) => {
    if (name === 'id' && record.id === undefined) return `"${uuidv7()}"`;
    if (name === 'at' && record.at === undefined) return `"${new Date().toISOString()}"`;
    return writeColumn(name, record[name]);
  });
}

/** The event of a line as it stands there, checked for its form only; undefined for anything else. */
export function parseEvent(line: Buffer): AuditEvent | undefined {
  try {
    return AuditEvent.safeParse(JSON.parse(line.toString())).data;
  } catch {
    return undefined;
  }
}
