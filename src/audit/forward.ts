import { z } from 'zod';
import type { AuditEvent } from '../contract/audit-event.ts';
import { arrayText } from '../postgres/parameter-text.ts';
import type { StoreConnection } from '../store/connection.ts';
import { otlpLogs } from './otlp.ts';
import { unreadChains } from './positions.ts';
import { readRow, selectColumns } from './store-rows.ts';

export interface ForwardOptions {
  /** For this alone. */
  readonly connection: Pick<StoreConnection, 'exchange'>;
  /** Of a collector's OTLP over HTTP, such as https://collector:4318/v1/logs. */
  readonly url: string;
  /** Asked for anew at each request, so that a token may change. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** Of Howdah. */
  readonly version: string;
  readonly warn: (message: string) => void;
}

const CONSUMER = 'otlp';
const MOST = 500;
/** Of JSON in one request; a single event may be more. */
const MOST_BYTES = 2_000_000;
const TIME_LIMIT_MS = 10_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const LONGEST_ASKED_PAUSE_MS = 600_000;
/** What a collector may answer is not read beyond this. */
const ANSWER_BYTES = 65_536;

const UNREAD = `with chain as materialized (${unreadChains('$1')})
  select ${selectColumns('e')} from chain cross join lateral (
    select e.* from howdah.audit_event e where e.chain = chain.chain and e.sequence > chain.sequence
     order by e.sequence limit $2::bigint) as e limit $2::bigint`;

/** Nothing was unread at $2, the time of the store before it was asked; chains that are open are asked for anyway. */
const LOOKED = `insert into howdah.audit_position as p (consumer, chain, sequence, looked_at)
  select $1, chain.chain, chain.sequence, $2::timestamptz from (${unreadChains('$1')}) as chain
    join howdah.audit_chain as ended on ended.chain = chain.chain and ended.ended_at is not null
  on conflict (consumer, chain) do update set looked_at = excluded.looked_at`;

const PASSED = `insert into howdah.audit_position as p (consumer, chain, sequence, looked_at)
  select $1, u.chain, u.sequence, '-infinity' from unnest($2::text[], $3::bigint[]) as u(chain, sequence)
  on conflict (consumer, chain) do update set sequence = greatest(p.sequence, excluded.sequence), looked_at = '-infinity'`;

/**
 * Sends every event of the store to a collector, those of a chain in their order. The position is kept in the store
 * once a request was accepted: an event may be sent twice, and none is left out. `run` resolves when nothing is left, and
 * rejects when the collector takes nothing; then the next `run` waits longer.
 */
export function createForwarding(options: ForwardOptions): { run(signal: AbortSignal): Promise<void> } {
  const { connection } = options;
  let pauseMs = 0;
  let notBeforeMs = 0;
  let most = MOST;

  async function unread(): Promise<{ readonly events: readonly AuditEvent[]; readonly askedAt: string }> {
    const [time, found] = await connection.exchange([
      { text: 'select clock_timestamp()::text', values: [] },
      { text: UNREAD, values: [CONSUMER, String(most)] },
    ]);
    return { events: (found?.rows ?? []).map((row) => readRow(row)), askedAt: time?.rows[0]?.[0] ?? '-infinity' };
  }

  async function passed(events: readonly AuditEvent[]): Promise<void> {
    const last = new Map(events.map(({ chain, sequence }) => [chain, sequence]));
    const values = [CONSUMER, arrayText([...last.keys()]), arrayText([...last.values()])];
    await connection.exchange([{ text: PASSED, values }]);
  }

  async function send(events: readonly AuditEvent[], signal: AbortSignal): Promise<void> {
    for (const batch of batches(events)) {
      await post(batch, options, signal);
      await passed(batch);
    }
  }

  return {
    async run(signal) {
      if (performance.now() < notBeforeMs) return;
      try {
        while (!signal.aborted) {
          const { events, askedAt } = await unread();
          await send(events, signal);
          most = MOST;
          pauseMs = 0;
          if (events.length > 0) continue;
          await connection.exchange([{ text: LOOKED, values: [CONSUMER, askedAt] }]);
          return;
        }
      } catch (error) {
        if (signal.aborted) return;
        most = Math.max(1, Math.floor(most / 2)); // it may have been too much for the collector, or for our memory
        pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2));
        notBeforeMs = performance.now() + Math.max(pauseMs, retryAfterMs(error));
        throw error;
      }
    },
  };
}

/** Of one request each, in the order of the events. */
function* batches(events: readonly AuditEvent[]): Generator<readonly AuditEvent[], void, undefined> {
  let batch: AuditEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = JSON.stringify(event).length;
    if (batch.length > 0 && bytes + size > MOST_BYTES) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

async function post(
  events: readonly AuditEvent[],
  { url, headers, version, warn }: ForwardOptions,
  signal: AbortSignal,
) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...(await headers()), 'content-type': 'application/json' },
    body: otlpLogs(events, version),
    redirect: 'error', // the headers may hold a token, which is for this address alone
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT_MS)]),
  });
  const answer = await readStart(response);
  if (!response.ok) throw new CollectorRefusal(response.status, response.headers.get('retry-after'));
  const rejected = PartialSuccess.safeParse(parseJson(answer)).data?.partialSuccess?.rejectedLogRecords;
  if (Number(rejected ?? 0) > 0)
    warn(`the collector took a request and dropped ${Number(rejected)} audit events of it`);
}
/** https://opentelemetry.io/docs/specs/otlp/#partial-success: such a request must not be sent again. */
const PartialSuccess = z.object({
  partialSuccess: z.object({ rejectedLogRecords: z.union([z.string(), z.number()]).optional() }).optional(),
});

class CollectorRefusal extends Error {
  readonly retryAfter: string | null;

  constructor(status: number, retryAfter: string | null) {
    super(`the collector of audit.otlp.logs_url answered ${status}`);
    this.retryAfter = retryAfter;
  }
}

/** At most ten minutes: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfterMs(error: unknown): number {
  const seconds = error instanceof CollectorRefusal ? Number(error.retryAfter ?? 0) : 0;
  return Number.isFinite(seconds) ? Math.min(LONGEST_ASKED_PAUSE_MS, Math.max(0, seconds) * 1000) : 0;
}

async function readStart(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > ANSWER_BYTES) break;
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
