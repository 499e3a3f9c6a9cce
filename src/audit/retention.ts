import { PlatformError } from '../core/errors.ts';
import type { StoreConnection } from '../store/connection.ts';
import type { Store } from '../store/open-store.ts';
import { collectRuns, readDropped, type DroppedMonth } from './dropped.ts';
import type { AuditLog } from './event.ts';
import { signBody } from './signed-body.ts';
import { scanEvents, type Exchange } from './store-scan.ts';

export interface RetentionParts {
  readonly store: Pick<Store, 'exchange' | 'connect' | 'keys'>;
  readonly audit: Pick<AuditLog, 'record'>;
}

const OPERATION = 'audit_retention';

const OVERDUE = { text: 'select month::text from howdah.overdue_audit_months() as month', values: [] };

const SIGN = `insert into howdah.audit_dropped (month, body, key_id, signature) values ($1::date, $2, $3, $4)`;

/** A month is counted while it is dropped: a large one takes longer than other statements may. */
const PATIENT = { text: `select pg_catalog.set_config('statement_timeout', '0', false)`, values: [] };
const TIME_LIMIT_MS = 3_600_000;

/** Dropped months that no event tells of. Such an event is itself dropped some day: older ones were told of. */
const UNTOLD = {
  text: `select d.month::text from howdah.audit_dropped d
          where d.at > pg_catalog.now() - interval '7 days' and not exists (
            select from howdah.audit_event e where e.operation = '${OPERATION}' and e.at > d.at - interval '1 day'
               and e.details ->> 'month' = d.month::text)`,
  values: [],
};

/**
 * Drops the events of months that are older than `audit.retention`, and their exact statements, after signing how each
 * chain was there. Fails with CONFLICT for a month that is not whole: it is evidence.
 */
export async function dropOldMonths(parts: RetentionParts, signal?: AbortSignal): Promise<void> {
  const { store } = parts;
  await tellOfDropped(parts); // should the last turn have ended before it could
  const [overdue] = await store.exchange([OVERDUE]);
  const months = (overdue?.rows ?? []).map(([month]) => month ?? '');
  if (months.length === 0) return;
  const connection = store.connect({ opening: beginPatiently, timeLimitMs: TIME_LIMIT_MS });
  const leave = () => void connection.close();
  signal?.addEventListener('abort', leave);
  try {
    for (const month of months) {
      if (signal?.aborted === true) return;
      await dropMonth(store.keys, connection, month);
      await tellOfDropped(parts);
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  } finally {
    signal?.removeEventListener('abort', leave);
    await connection.close();
  }
}

async function beginPatiently(exchange: StoreConnection['exchange']): Promise<void> {
  await exchange([PATIENT]);
}

async function dropMonth(keys: Store['keys'], connection: StoreConnection, month: string): Promise<void> {
  const { body, keyId, signature } = signBody(keys, await describeMonth((steps) => connection.exchange(steps), month));
  await connection.exchange([
    { text: SIGN, values: [month, body, keyId, signature] },
    { text: 'select howdah.drop_audit_partition($1::date)', values: [month] },
    { text: 'select howdah.drop_statement_partition($1::date)', values: [month] },
  ]);
}

/** Records each drop once it has happened. What was signed of it tells of it until then, whatever becomes of this process. */
async function tellOfDropped({ store, audit }: RetentionParts): Promise<void> {
  const [untold] = await store.exchange([UNTOLD]);
  const months = new Set((untold?.rows ?? []).map(([month]) => month));
  if (months.size === 0) return;
  const dropped = await readDropped((steps) => store.exchange(steps), store.keys.publicKeys());
  for (const { month, events, chains } of dropped.months.filter((each) => months.has(each.month))) {
    const details = { month, events, chains: chains.length };
    await audit.record({ kind: 'configuration', operation: OPERATION, outcome: 'OK', details });
  }
}

async function describeMonth(exchange: Exchange, month: string): Promise<DroppedMonth> {
  const collected = collectRuns();
  let events = 0;
  for await (const { event, broken } of scanEvents(exchange, boundsOf(month))) {
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
