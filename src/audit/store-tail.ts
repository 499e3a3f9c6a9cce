import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEvent } from '../contract/audit-event.ts';
import { matches, type AuditFilters } from './filters.ts';
import { arrayOf, readRow, selectColumns } from './store-rows.ts';
import type { StoreReader } from './store-reader.ts';

export interface StoreTailOptions {
  /** How many of the newest events come first. */
  readonly lines: number;
  readonly filters: AuditFilters;
  /** Whether to wait for more; `signal` ends that. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

const POLL_MS = 250;
/** Of one chain at a time. */
const MOST = 500;
/** A writer that was not seen for so long adds nothing before it is seen again. */
const QUIET = `interval '1 minute'`;
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
  while (await waitedFor(signal)) {
    const rows = await reader.askQuickly({ text: ADDED, values: [...asArrays(positions), started] });
    for (const event of rows.map((row) => readRow(row))) {
      positions.set(event.chain, Math.max(positions.get(event.chain) ?? -1, event.sequence));
      if (!shown.has(event.id) && isWanted(event)) yield event;
    }
  }
}

function asArrays(positions: ReadonlyMap<string, number>): [chains: string, sequences: string] {
  return [arrayOf([...positions.keys()]), `{${[...positions.values()].join(',')}}`];
}

async function waitedFor(signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(POLL_MS, undefined, { signal });
    return true;
  } catch {
    return false; // aborted
  }
}
