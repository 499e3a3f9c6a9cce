/** What is in the audit log of a store, read back and checked. */
import { canonicalJson } from '../src/core/canonical-json.ts';
import { emptyChain, readSealed } from '../src/audit/chain.ts';
import { readRow, selectColumns } from '../src/audit/store-rows.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { parseTarget } from '../src/postgres/target.ts';
import { openStoreConnection } from '../src/store/connection.ts';

const PAGE = 5000;
const TEXT = `select ${selectColumns('e')} from howdah.audit_event e
  where (e.chain, e.sequence) > ($1, $2::bigint) order by e.chain, e.sequence limit ${PAGE}`;

/** All events, each chain in order. Throws for a hash that is wrong and for a place that is missing. */
export async function readChecked(url: string): Promise<AuditEvent[]> {
  const connection = openStoreConnection({ target: parseTarget(url, { env: {} }) });
  const events: AuditEvent[] = [];
  let head = emptyChain('');
  try {
    for (;;) {
      const [page] = await connection.exchange([{ text: TEXT, values: [head.chain, String(head.sequence)] }]);
      for (const row of page?.rows ?? []) {
        const event = readRow(row);
        if (event.chain !== head.chain) head = emptyChain(event.chain);
        const read = readSealed(Buffer.from(canonicalJson(event)), head);
        if ('broken' in read) throw new Error(`${event.chain} ${event.sequence}: ${read.broken}`);
        head = read.head;
        events.push(event);
      }
      if ((page?.rows.length ?? 0) < PAGE) return events;
    }
  } finally {
    await connection.close();
  }
}

/** How often each call has an event of a kind. */
export function countsOf(events: readonly AuditEvent[], kind: AuditEvent['kind']): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.kind === kind && event.call_id !== null) counts.set(event.call_id, (counts.get(event.call_id) ?? 0) + 1);
  }
  return counts;
}
