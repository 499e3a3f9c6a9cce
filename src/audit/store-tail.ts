import type { AuditEvent } from '../contract/audit-event.ts';
import { arrayText } from '../postgres/parameter-text.ts';
import { matches, type AuditFilters } from './filters.ts';
import { readRow, selectColumns } from './store-rows.ts';
import { nextPoll } from './poll.ts';
import { QUIET } from './positions.ts';
import type { StoreReader } from './store-reader.ts';

export interface StoreTailOptions {
  /** How many of the newest events come first. */
  readonly lines: number;
  readonly filters: AuditFilters;
  /** Whether to wait for more; `signal` ends that. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Of one chain at a time. */
const MOST = 500;
/** Chains whose writers may add events before they are seen again. */
const ADDING = `(c.ended_at is null or greatest(c.seen_at, c.ended_at) > clock_timestamp() - ${QUIET})`;

const HEADS = {
  text: `select c.chain, (select max(e.sequence) from howdah.audit_event e where e.chain = c.chain)::text
           from howdah.audit_chain c where ${ADDING}`,
  values: [],
};

/** Of a chain that was not seen before, what is not older than the tail. */
const ADDED = `select ${selectColumns('e')} from howdah.audit_chain c
  left join unnest($1::text[], $2::bigint[]) as p(chain, sequence) on p.chain = c.chain
  cross join lateral (
    select e.* from howdah.audit_event e
     where e.chain = c.chain and e.sequence > coalesce(p.sequence, -1) and (p.chain is not null or e.at >= $3::timestamptz)
     order by e.sequence limit ${MOST}) as e
  where ${ADDING} order by e.at, e.chain, e.sequence`;

/** The newest events of all chains in the order of their time, and then what is added, in the order of each chain. */
export async function* tailStore(
  reader: StoreReader,
  { lines, filters, follow, signal }: StoreTailOptions,
): AsyncGenerator<AuditEvent, void, undefined> {
  const started = new Date().toISOString();
  const positions = new Map<string, number>();
  // before the newest are read: what comes meanwhile is among them, or is found behind the heads
  for (const [chain, sequence] of follow ? await reader.askQuickly(HEADS) : []) {
    positions.set(chain ?? '', Number(sequence ?? -1));
  }
  const newest = lines === 0 ? [] : (await reader.search({ filters, limit: lines })).toReversed();
  yield* newest;
  const shown = new Set(newest.map(({ id }) => id));
  const isWanted = matches(filters);
  if (!follow) return;
  while (await nextPoll(signal)) {
    const rows = await reader.askQuickly({
      text: ADDED,
      values: [arrayText([...positions.keys()]), arrayText([...positions.values()]), started],
    });
    for (const event of rows.map((row) => readRow(row))) {
      positions.set(event.chain, Math.max(positions.get(event.chain) ?? -1, event.sequence));
      if (!shown.has(event.id) && isWanted(event)) yield event;
    }
  }
}
