import { BOUND_TABLES } from '../../audit/bound-tables.ts';
import type { Job } from '../../store/jobs.ts';
import { readSettled, settleRow, type RowPlace } from '../../store/settled-row.ts';
import type { RuleEditor } from './edits.ts';

interface Unsettled extends RowPlace {
  readonly eventId: string;
  readonly operation: string;
}

/** What writes bound rows, also without a call. */
const OPERATIONS = '{persona_set,persona_remove,persona_grant,persona_revoke,grant_expired}';
const RECENT = `operation = any ($1::text[]) and kind = 'persona' and at > now() - interval '35 days'`;

/** Events that tell of a row and whose call did not end well; one that did says itself that the row was written. */
const DOUBTFUL = `select t.id::text, t.operation, t.details ->> 'table', t.details ->> 'row'
  from (select * from howdah.audit_event where ${RECENT} and details ->> 'digest' is not null) t
 where not exists (select from howdah.audit_event e where e.call_id = t.call_id and e.kind = 'ended' and e.outcome = 'OK')
 order by t.at, t.id`;
const SETTLED = `select details::text from howdah.audit_event
  where ${RECENT} and coalesce(details ->> 'withdraws', details ->> 'confirms') is not null`;

/** By then the row is there or never will be: the longest that writing the event and the row can take, and some more. */
const SETTLED_AFTER_MS = 60_000;

/**
 * Puts on record what became of a row whose event is in the log while its writer does not know, or died: the store may
 * have gone away between the two. Only what it has seen unsettled for a minute, by its own clock.
 */
export function settlingJob(
  { store, audit }: Pick<RuleEditor, 'store' | 'audit'>,
  now: () => number = () => performance.now(),
): Job {
  let since = new Map<string, number>();

  return {
    name: 'persona_unsettled',
    everyMs: 30_000,
    async run() {
      const unsettled = await readUnsettled(store);
      since = new Map(unsettled.map(({ eventId }) => [eventId, since.get(eventId) ?? now()]));
      const due = unsettled.filter(({ eventId }) => now() - (since.get(eventId) ?? now()) >= SETTLED_AFTER_MS);
      if (due.length === 0) return;
      const written = await readWritten(store);
      for (const { eventId, operation, ...place } of due) {
        const how = written.has(eventId) ? 'confirms' : 'withdraws';
        const details = settleRow(store.keys, how, place, eventId);
        await audit.record({ kind: 'persona', operation, outcome: how === 'confirms' ? 'OK' : 'UNAVAILABLE', details });
        since.delete(eventId);
      }
    },
  };
}

async function readUnsettled({ exchange, keys }: RuleEditor['store']): Promise<Unsettled[]> {
  const [doubtful, settled] = await exchange([DOUBTFUL, SETTLED].map((text) => ({ text, values: [OPERATIONS] })));
  const done = new Set(
    (settled?.rows ?? []).flatMap(([details]) => readSettled(keys, JSON.parse(details ?? 'null'))?.eventId ?? []),
  );
  return (doubtful?.rows ?? [])
    .map(([eventId, operation, table, row]) => ({
      eventId: eventId ?? '',
      operation: operation ?? '',
      table: table ?? '',
      row: row ?? '',
    }))
    .filter(({ eventId, table }) => !done.has(eventId) && BOUND_TABLES.some((bound) => bound.table === table));
}

/** The events whose rows are in their tables. */
async function readWritten({ exchange }: RuleEditor['store']): Promise<ReadonlySet<string>> {
  const texts = BOUND_TABLES.map(({ table }) => `select event_id::text from howdah.${table}`);
  const [found] = await exchange([{ text: texts.join(' union all '), values: [] }]);
  return new Set((found?.rows ?? []).map(([eventId]) => eventId ?? ''));
}
