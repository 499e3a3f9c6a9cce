import { PlatformError } from '../core/errors.ts';
import type { Store } from '../store/open-store.ts';
import { collectRuns, type DroppedMonth } from './dropped.ts';
import type { AuditLog } from './event.ts';
import { signBody } from './signed-body.ts';
import { scanEvents } from './store-scan.ts';

export interface RetentionParts {
  readonly store: Pick<Store, 'exchange' | 'keys'>;
  readonly audit: Pick<AuditLog, 'record'>;
}

const OVERDUE = { text: 'select month::text from howdah.overdue_audit_months() as month', values: [] };

const SIGN = `insert into howdah.audit_dropped (month, body, key_id, signature) values ($1::date, $2, $3, $4)`;

/**
 * Drops the events of months that are older than `audit.retention`, and their exact statements, after signing how each
 * chain was there. Fails with CONFLICT for a month that is not whole: it is evidence.
 */
export async function dropOldMonths({ store, audit }: RetentionParts): Promise<void> {
  const [overdue] = await store.exchange([OVERDUE]);
  for (const [month] of overdue?.rows ?? []) {
    const dropped = await describeMonth(store, month ?? '');
    const { body, keyId, signature } = signBody(store.keys, dropped);
    const details = { month: dropped.month, events: dropped.events, chains: dropped.chains.length };
    // on record first: what is dropped without being told of must not be
    await audit.record({ kind: 'configuration', operation: 'audit_retention', details });
    await store.exchange([
      { text: SIGN, values: [dropped.month, body, keyId, signature] },
      { text: 'select howdah.drop_audit_partition($1::date)', values: [dropped.month] },
      { text: 'select howdah.drop_statement_partition($1::date)', values: [dropped.month] },
    ]);
  }
}

async function describeMonth(store: Pick<Store, 'exchange'>, month: string): Promise<DroppedMonth> {
  const collected = collectRuns();
  let events = 0;
  for await (const { event, broken } of scanEvents((steps) => store.exchange(steps), boundsOf(month))) {
    if (broken !== undefined) {
      throw new PlatformError(
        'CONFLICT',
        `The audit events of ${month.slice(0, 7)} are not whole, so that they are kept.`,
        {
          hint: 'Run `howdah audit verify`: it names what is wrong.',
          details: { chain: event.chain, sequence: event.sequence },
        },
      );
    }
    collected.add(event);
    events += 1;
  }
  return { type: 'dropped', month, at: new Date().toISOString(), events, chains: [...collected.runs] };
}

function boundsOf(month: string): { from: string; to: string } {
  const [year, number] = month.split('-').map(Number) as [number, number];
  const start = (of: number) => new Date(Date.UTC(year, of, 1)).toISOString();
  return { from: start(number - 1), to: start(number) };
}
