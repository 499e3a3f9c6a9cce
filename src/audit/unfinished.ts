import type { Store } from '../store/open-store.ts';
import type { AuditLog } from './event.ts';
import { unknownEnd } from './recovery.ts';
import { readRow, selectColumns } from './store-rows.ts';

/** A writer says every five seconds that it is alive; one that said nothing for so long is gone. */
const DEAD = `c.ended_at is null and c.seen_at < clock_timestamp() - interval '45 seconds'`;

/** How many calls of one chain are closed at a time. */
const BATCH = 1000;

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

async function closeChain(
  store: Pick<Store, 'exchange'>,
  audit: Pick<AuditLog, 'record'>,
  chain: string,
): Promise<void> {
  const text = `select ${selectColumns('b')} from howdah.audit_event b
    where b.chain = $1 and b.kind = 'begun'
      and not exists (select from howdah.audit_event e where e.call_id = b.call_id and e.kind = 'ended')
    order by b.sequence limit ${BATCH}`;
  for (;;) {
    const [begun] = await store.exchange([{ text, values: [chain] }]);
    const rows = begun?.rows ?? [];
    await Promise.all(rows.map((row) => audit.record(unknownEnd(readRow(row)))));
    if (rows.length < BATCH) break;
  }
  await store.exchange([{ text: 'select howdah.end_chain($1)', values: [chain] }]);
}
