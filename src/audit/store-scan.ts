import type { AuditEvent } from '../contract/audit-event.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Result } from '../postgres/database.ts';
import type { Step } from '../postgres/wire.ts';
import { redraft, sealEvent, type Head } from './chain.ts';
import { readRow, selectColumns } from './store-rows.ts';

/** Runs steps in the store; what verifies needs no more of it. */
export type Exchange = (steps: readonly Step[]) => Promise<Result[]>;

/** An event as it stands in the store, and what is wrong with it alone. */
export interface ScannedEvent {
  readonly event: AuditEvent;
  readonly broken: string | undefined;
  /** It stands in no month. */
  readonly isElsewhere: boolean;
}

/** How many events are in memory at a time. */
const PAGE = 500;

const COLUMNS = selectColumns('e');
/** What the columns are read from, to find what reads the same and is not: another spelling of JSON, another era. */
const RAW = `e.input::text, e.details::text, e.at::text, concat_ws(' ', e.rows, e.bytes, e.sequence),
  (e.tableoid = 'howdah.audit_event_other'::regclass)::text`;

/** Every event of the store, or of a month, by chain and sequence, in memory that does not grow with their number. */
export async function* scanEvents(
  exchange: Exchange,
  month?: { readonly from: string; readonly to: string },
): AsyncGenerator<ScannedEvent, void, undefined> {
  const bounds = month === undefined ? [] : [month.from, month.to];
  const within = month === undefined ? 'true' : 'e.at >= $1::timestamptz and e.at < $2::timestamptz';
  const [chain, sequence, at] = [1, 2, 3].map((place) => `$${place + bounds.length}`);
  const behind = `and (e.chain, e.sequence, e.at) > (${chain}, ${sequence}::bigint, ${at}::timestamptz)`;
  let from: string[] = [];
  for (;;) {
    const text = `select ${COLUMNS}, ${RAW} from howdah.audit_event e where ${within} ${from.length > 0 ? behind : ''}
      order by e.chain, e.sequence, e.at limit ${PAGE}`;
    const [page] = await exchange([{ text, values: [...bounds, ...from] }]);
    const rows = page?.rows ?? [];
    for (const row of rows) {
      const scanned = scan(row);
      from = [scanned.event.chain, String(scanned.event.sequence), row.at(-3) ?? ''];
      yield scanned;
    }
    if (rows.length < PAGE) return;
  }
}

function scan(row: readonly (string | null)[]): ScannedEvent {
  const event = readRow(row);
  const [input, details, at, counts, elsewhere] = row.slice(-5);
  const { rows, bytes, sequence } = event;
  const isAsWritten =
    isCanonical(event.input, input ?? null) &&
    isCanonical(event.details, details ?? null) &&
    PLAIN_TIME.test(at ?? '') &&
    [rows, bytes, sequence].filter((count) => count !== null).join(' ') === counts;
  const broken = isAsWritten && hashOf(event) === event.hash ? undefined : CHANGED;
  return { event, broken, isElsewhere: elsewhere === 'true' };
}

const CHANGED = 'Its hash is wrong: the event was changed.';
const PLAIN_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/;

function isCanonical(value: unknown, text: string | null): boolean {
  try {
    return text === null || canonicalJson(value) === text;
  } catch {
    return false;
  }
}

/** By its own claim of where it stands; undefined for what has no JSON text. */
function hashOf(event: AuditEvent): string | undefined {
  const { chain, sequence, previous_hash: hash } = event;
  try {
    return sealEvent(redraft(event), { chain, sequence: sequence - 1, hash }).head.hash;
  } catch {
    return undefined;
  }
}

export function headOf({ chain, sequence, hash }: AuditEvent): Head {
  return { chain, sequence, hash };
}
