import type { AuditEvent } from '../contract/audit-event.ts';
import { timeOfUuidv7 } from '../core/ids.ts';
import { createBindings } from './filters.ts';
import { readRow, selectColumns } from './store-rows.ts';
import type { StoreReader } from './store-reader.ts';

/** Where an event stands, by what the store has beside it. */
export interface ChainPlace {
  readonly event: string;
  readonly chain: string;
  readonly sequence: number;
  /** Whether the event before it has the hash that this one names; null for the first of a chain. */
  readonly follows: boolean | null;
  /** Whether the event behind it names its hash; null for the newest of a chain. */
  readonly isFollowed: boolean | null;
}

/** All that is on record of one call, or one event. */
export interface CallStory {
  /** In the order of their time; none if there is no such call or event. */
  readonly events: readonly AuditEvent[];
  /** The events of the call that asked what this one answers, and of those that answered what it asked. */
  readonly dialogue: readonly AuditEvent[];
  readonly places: readonly ChainPlace[];
}

/** What is asked is answered within a day, or not at all. */
const ANSWERED_WITHIN = `interval '1 day'`;
/** An id holds the time of its making, which is that of the event but for a moment. */
const MADE_WITHIN_MS = 60_000;
const MOST = 200;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** By the id of a call or of an event. */
export async function readStory(reader: StoreReader, id: string): Promise<CallStory> {
  const ofCall = await read(reader, `e.call_id = $1`, [id]);
  const found = ofCall.length > 0 ? ofCall : await readEvent(reader, id);
  const [only] = found;
  const callId = only?.call_id ?? undefined;
  const events = ofCall.length > 0 || callId === undefined ? found : await read(reader, `e.call_id = $1`, [callId]);
  if (only === undefined) return { events, dialogue: [], places: [] };
  const [dialogue, places] = await Promise.all([readDialogue(reader, events), readPlaces(reader, events)]);
  return { events, dialogue, places };
}

async function read(reader: StoreReader, condition: string, values: readonly string[]): Promise<AuditEvent[]> {
  const text = `select ${selectColumns('e')} from howdah.audit_event e where ${condition}
    order by e.at, e.id limit ${MOST}`;
  return (await reader.askQuickly({ text, values })).map((row) => readRow(row));
}

async function readEvent(reader: StoreReader, id: string): Promise<AuditEvent[]> {
  if (!UUID.test(id)) return [];
  const madeMs = timeOfUuidv7(id);
  const [from, to] = [madeMs - MADE_WITHIN_MS, madeMs + MADE_WITHIN_MS].map((ms) => new Date(ms));
  if (from === undefined || to === undefined || Number.isNaN(to.getTime()) || to.getUTCFullYear() > 9999) return [];
  const condition = 'e.id = $1::uuid and e.at between $2::timestamptz and $3::timestamptz';
  return read(reader, condition, [id, from.toISOString(), to.toISOString()]);
}

async function readDialogue(reader: StoreReader, events: readonly AuditEvent[]): Promise<AuditEvent[]> {
  const asking = events.map(({ details }) => answersCall(details)).find((id) => id !== undefined);
  const [first] = events;
  const last = events.at(-1);
  const { bind, values } = createBindings();
  if (first === undefined || first.call_id === null || last === undefined) return [];
  const answered = [
    `e.principal_subject ${first.principal_subject === null ? 'is null' : `= ${bind(first.principal_subject)}`}`,
    `e.at >= ${bind(first.at)}::timestamptz and e.at < ${bind(last.at)}::timestamptz + ${ANSWERED_WITHIN}`,
    `e.details ->> 'answers_call' = ${bind(first.call_id)}`,
  ].join(' and ');
  const [question, answers] = await Promise.all([
    asking === undefined ? [] : read(reader, 'e.call_id = $1', [asking]),
    read(reader, answered, values),
  ]);
  return [...question, ...answers];
}

function answersCall(details: unknown): string | undefined {
  const id = (details as { readonly answers_call?: unknown } | null)?.answers_call;
  return typeof id === 'string' ? id : undefined;
}

async function readPlaces(reader: StoreReader, events: readonly AuditEvent[]): Promise<ChainPlace[]> {
  const hashes =
    'select b.hash, b.previous_hash from howdah.audit_event b where b.chain = $1 and b.sequence = $2::bigint';
  const beside = async ({ chain, sequence }: AuditEvent, by: number) => {
    const [row] = await reader.askQuickly({ text: `${hashes} + ${by}`, values: [chain, String(sequence)] });
    return row;
  };
  return Promise.all(
    events.map(async (event): Promise<ChainPlace> => {
      const { id, chain, sequence, hash, previous_hash: previousHash } = event;
      const [before, behind] = await Promise.all([beside(event, -1), beside(event, 1)]);
      const follows = sequence === 0 && before === undefined ? null : before?.[0] === previousHash;
      return { event: id, chain, sequence, follows, isFollowed: behind === undefined ? null : behind[1] === hash };
    }),
  );
}
