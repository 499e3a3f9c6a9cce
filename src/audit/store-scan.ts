import { DatabaseError } from 'pg';
import type { AuditEvent } from '../contract/audit-event.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Result } from '../postgres/database.ts';
import type { Step } from '../postgres/wire.ts';
import { isTooLarge } from '../store/connection.ts';
import { isoTime } from '../store/iso-time.ts';
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

/** How many events are in memory at a time; fewer where they are so large that a page of them is not read. */
const PAGE = 500;

const COLUMNS = selectColumns('e');
/** What the columns are read from, to find what reads the same and is not: another spelling of JSON, another era. */
const WHERE = `(e.tableoid = 'howdah.audit_event_other'::regclass)::text, e.chain, e.sequence::text, e.at::text`;
const RAW = `e.input::text, e.details::text, concat_ws(' ', e.rows, e.bytes, e.sequence), ${WHERE}`;
/** What is read of an event that cannot be read whole. */
const PLACE = `${isoTime('e.at')}, ${WHERE}`;

/** Every event of the store, or of a month, by chain and sequence, in memory that does not grow with their number. */
export async function* scanEvents(
  exchange: Exchange,
  month?: { readonly from: string; readonly to: string },
): AsyncGenerator<ScannedEvent, void, undefined> {
  const bounds = month === undefined ? [] : [month.from, month.to];
  const within = month === undefined ? 'true' : 'e.at >= $1::timestamptz and e.at < $2::timestamptz';
  const [chain, sequence, at] = [1, 2, 3].map((place) => `$${place + bounds.length}`);
  const behind = `and (e.chain, e.sequence, e.at) > (${chain}, ${sequence}::bigint, ${at}::timestamptz)`;
  const read = async (columns: string, from: readonly string[], limit: number) => {
    const text = `select ${columns} from howdah.audit_event e where ${within} ${from.length > 0 ? behind : ''}
      order by e.chain, e.sequence, e.at limit ${limit}`;
    const [page] = await exchange([{ text, values: [...bounds, ...from] }]);
    return page?.rows ?? [];
  };
  const readPage = async (from: readonly string[], limit: number): Promise<Page> => {
    try {
      const rows = await read(`${COLUMNS}, ${RAW}`, from, limit);
      return { events: rows.map(scan), cursor: cursorAt(rows.at(-1)), limit, isLast: rows.length < limit };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (limit > 1) return readPage(from, Math.ceil(limit / 8));
      const rows = await read(PLACE, from, 1);
      return { events: rows.map(unreadable), cursor: cursorAt(rows.at(-1)), limit, isLast: rows.length < limit };
    }
  };
  for (let next = readPage([], PAGE); ;) {
    const { events, cursor, limit, isLast } = await next;
    if (!isLast) {
      next = readPage(cursor, Math.min(PAGE, 2 * limit)); // while these are looked at
      next.catch(() => undefined);
    }
    yield* events;
    if (isLast) return;
  }
}

interface Page {
  readonly events: readonly ScannedEvent[];
  /** Where the next one begins. */
  readonly cursor: readonly string[];
  readonly limit: number;
  readonly isLast: boolean;
}

type Row = readonly (string | null)[];

/** As texts: a number that only looks like another one must not lead astray. */
function cursorAt(row: Row = []): string[] {
  return row.slice(-3).map((text) => text ?? '');
}

/** Too large, or damaged on the disk of the store: data_corrupted, index_corrupted. */
function isUnreadable(error: unknown): boolean {
  return isTooLarge(error) || (error instanceof DatabaseError && /^XX00[12]$/.test(error.code ?? ''));
}

function unreadable(row: Row): ScannedEvent {
  const [at, elsewhere, chain, sequence] = row;
  const event = { ...readRow([]), chain: chain ?? '', sequence: Number(sequence), at: at ?? '' };
  return { event, broken: UNREADABLE, isElsewhere: elsewhere === 'true' };
}

const UNREADABLE = 'It cannot be read: it is larger than any event that Howdah writes, or damaged on disk.';

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
