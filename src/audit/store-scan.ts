import type { AuditEvent } from '../contract/audit-event.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Result } from '../postgres/database.ts';
import type { Step } from '../postgres/wire.ts';
import { sealEvent, type Head } from './chain.ts';
import { COLUMN_NAMES } from './columns.ts';
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
const RAW = `e.input::text, e.details::text, concat_ws(' ', e.rows, e.bytes, e.sequence),
  (e.tableoid = 'howdah.audit_event_other'::regclass)::text, e.chain, e.sequence::text, e.at::text`;

/** Every event of the store, or of a month, by chain and sequence, in memory that does not grow with their number. */
export async function* scanEvents(
  exchange: Exchange,
  month?: { readonly from: string; readonly to: string },
): AsyncGenerator<ScannedEvent, void, undefined> {
  const bounds = month === undefined ? [] : [month.from, month.to];
  const within = month === undefined ? 'true' : 'e.at >= $1::timestamptz and e.at < $2::timestamptz';
  const [chain, sequence, at] = [1, 2, 3].map((place) => `$${place + bounds.length}`);
  const behind = `and (e.chain, e.sequence, e.at) > (${chain}, ${sequence}::bigint, ${at}::timestamptz)`;
  const read = async (from: readonly string[]) => {
    const text = `select ${COLUMNS}, ${RAW} from howdah.audit_event e where ${within} ${from.length > 0 ? behind : ''}
      order by e.chain, e.sequence, e.at limit ${PAGE}`;
    const [page] = await exchange([{ text, values: [...bounds, ...from] }]);
    return page?.rows ?? [];
  };
  for (let next = read([]); ;) {
    const rows = await next;
    const last = rows.at(-1);
    const isLast = last === undefined || rows.length < PAGE;
    if (!isLast) {
      next = read(cursorAt(last)); // while these are looked at
      next.catch(() => undefined);
    }
    for (const row of rows) yield scan(row);
    if (isLast) return;
  }
}

type Row = readonly (string | null)[];

/** As texts: a number that only looks like another one must not lead astray. */
function cursorAt(row: Row): string[] {
  return row.slice(-3).map((text) => text ?? '');
}

function scan(row: Row): ScannedEvent {
  const event = readRow(row);
  const [input, details, counts, elsewhere, , , at] = row.slice(-7);
  const { rows, bytes, sequence } = event;
  const isAsWritten =
    PLAIN_TIME.test(at ?? '') && [rows, bytes, sequence].filter((count) => count !== null).join(' ') === counts;
  const isRight = isAsWritten && hashOf(event, { input: input ?? 'null', details: details ?? 'null' }) === event.hash;
  return { event, broken: isRight ? undefined : CHANGED, isElsewhere: elsewhere === 'true' };
}

const CHANGED = 'Its hash is wrong: the event was changed.';
const PLAIN_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/;

/**
 * By its own claim of where it stands; undefined for what has no JSON text. JSON is hashed as it stands: another spelling
 * of the same value is a change too.
 */
function hashOf(event: AuditEvent, json: Readonly<Record<string, string>>): string | undefined {
  const { chain, sequence, previous_hash: hash } = event;
  try {
    const draft = COLUMN_NAMES.map((name) => json[name] ?? canonicalJson(event[name]));
    return sealEvent(draft, { chain, sequence: sequence - 1, hash }).head.hash;
  } catch {
    return undefined;
  }
}

export function headOf({ chain, sequence, hash }: AuditEvent): Head {
  return { chain, sequence, hash };
}
