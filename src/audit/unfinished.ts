import type { Store } from '../store/open-store.ts';
import type { AuditLog } from './event.ts';
import { unknownEnd } from './recovery.ts';
import { readRow, selectColumns } from './store-rows.ts';

/** A writer says every five seconds that it is alive; one that said nothing for so long is gone. */
const DEAD = `c.ended_at is null and c.seen_at < clock_timestamp() - interval '45 seconds'`;

/** How many events of a chain are looked through at a time: of millions it would take longer than a statement may. */
const WINDOW = 5000;

/**
 * Ends the chains of writers that are gone: calls that were begun there and have no end get one, UNKNOWN. Should such a
 * writer only have been cut off, the true end follows when it is back.
 */
export async function closeDeadChains(store: Pick<Store, 'exchange'>, audit: Pick<AuditLog, 'record'>): Promise<void> {
  const [dead] = await store.exchange([
    { text: `select c.chain from howdah.audit_chain c where ${DEAD} order by c.opened_at`, values: [] },
  ]);
  for (const [chain] of dead?.rows ?? []) await closeChain(store, audit, chain ?? '');
}

const LONGEST_PAUSE_MS = 30_000;
const WATCHED_MS = 45_000;

/**
 * The same for a job that is run every few seconds: does nothing until it has seen the store without a pause for as long
 * as a writer may be silent. When the store was away nobody could say there that they are alive.
 */
export function watchDeadChains(
  store: Pick<Store, 'exchange'>,
  audit: Pick<AuditLog, 'record'>,
  now: () => number = () => performance.now(),
): () => Promise<void> {
  let since = -Infinity;
  let last = -Infinity;
  return async () => {
    await store.exchange([]);
    if (now() - last > LONGEST_PAUSE_MS) since = now();
    last = now();
    if (last - since >= WATCHED_MS) await closeDeadChains(store, audit);
  };
}

const UNENDED = `select ${selectColumns('b')} from howdah.audit_event b
  where b.chain = $1 and b.sequence >= $2::bigint and b.sequence < $3::bigint and b.kind = 'begun'
    and not exists (select from howdah.audit_event e where e.call_id = b.call_id and e.kind = 'ended')
  order by b.sequence`;

async function closeChain(
  store: Pick<Store, 'exchange'>,
  audit: Pick<AuditLog, 'record'>,
  chain: string,
): Promise<void> {
  const [newest] = await store.exchange([
    { text: 'select max(sequence) from howdah.audit_event where chain = $1', values: [chain] },
  ]);
  const end = Number(newest?.rows[0]?.[0] ?? -1) + 1;
  for (let from = 0; from < end; from += WINDOW) {
    const [begun] = await store.exchange([{ text: UNENDED, values: [chain, String(from), String(from + WINDOW)] }]);
    await Promise.all((begun?.rows ?? []).map((row) => audit.record(unknownEnd(readRow(row)))));
  }
  await store.exchange([{ text: 'select howdah.end_chain($1)', values: [chain] }]);
}
