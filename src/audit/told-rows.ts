import type { AuditEvent } from '../contract/audit-event.ts';
import type { KeyRing } from '../store/key-ring.ts';
import { readSettled, type RowPlace } from '../store/settled-row.ts';

interface Told extends RowPlace {
  /** In which it was written. */
  readonly calls: Set<string>;
}

/** The rows that events tell of, and what became of those that were not written. */
export interface ToldRows {
  /** `of`: the row that the event tells of, if it does. */
  add(event: Pick<AuditEvent, 'id' | 'kind' | 'call_id' | 'outcome' | 'details'>, of: RowPlace | undefined): void;
  /** Those that must be in their tables. */
  expected(): readonly RowPlace[];
}

/** To be given the events of a chain in their order. */
export function createToldRows(keys: Pick<KeyRing, 'isAuthentic'>): ToldRows {
  const told = new Map<string, Told>();
  const settled = { withdraws: new Set<string>(), confirms: new Set<string>() };
  const calls = new Set<string>();
  const succeeded = new Set<string>();

  /** A call that ended well has written its row: what says otherwise was made by showing Howdah another log for a while. */
  function isWithdrawn(key: string, { calls: its }: Told): boolean {
    if (!settled.withdraws.has(key) || settled.confirms.has(key)) return false;
    return [...its].every((call) => !succeeded.has(call));
  }

  return {
    add({ id, kind, call_id: call, outcome, details }, of) {
      const said = readSettled(keys, details);
      if (said !== undefined) settled[said.how].add(keyOf(said.eventId, said));
      if (of !== undefined) {
        // an event that somebody planted under the same id stands beside it, and not in its place
        const known = told.get(keyOf(id, of)) ?? { table: of.table, row: of.row, calls: new Set<string>() };
        told.set(keyOf(id, of), known);
        if (call !== null) known.calls.add(call);
        if (call !== null) calls.add(call);
      }
      if (kind === 'ended' && outcome === 'OK' && call !== null && calls.has(call)) succeeded.add(call);
    },
    expected: () => [...told].filter(([key, each]) => !isWithdrawn(key, each)).map(([, each]) => each),
  };
}

function keyOf(eventId: string, { table, row }: RowPlace): string {
  return JSON.stringify([eventId, table, row]);
}
