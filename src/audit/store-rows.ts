import { AuditEvent } from '../contract/audit-event.ts';
import { arrayElement, arrayText } from '../postgres/parameter-text.ts';
import type { Step } from '../postgres/wire.ts';
import { isoTime } from '../store/iso-time.ts';
import type { Draft } from './chain.ts';
import { COLUMN_NAMES, type ColumnName } from './columns.ts';

/** An event with its place in a chain. */
export interface SealedEvent {
  readonly draft: Draft;
  /** As canonical JSON. */
  readonly line: string;
  readonly sequence: number;
  readonly previousHash: string;
  readonly hash: string;
}

/** What the columns of the table howdah.audit_event are; text where nothing is said. */
const TYPES: Readonly<Partial<Record<keyof AuditEvent, string>>> = {
  id: 'uuid',
  at: 'timestamptz',
  input: 'json',
  details: 'json',
  rows: 'bigint',
  bytes: 'bigint',
  truncated: 'boolean',
  duration_ms: 'double precision',
  sequence: 'bigint',
};

const JSON_COLUMNS: ReadonlySet<ColumnName> = new Set(['input', 'details']);
const PLACE = ['sequence', 'previous_hash', 'hash'] as const;
const SENT = [...COLUMN_NAMES, ...PLACE];

/**
 * One array for each column, since PostgreSQL takes those for half of what it costs to parse the JSON of an event. Lists
 * of roles go as texts: an array of arrays would be flattened.
 */
const INSERT = `insert into howdah.audit_event (chain, ${SENT.join(', ')})
  select $1, ${SENT.map((name) => (name === 'principal_roles' ? `${name}::text[]` : name)).join(', ')}
    from unnest(${SENT.map((name, i) => `$${i + 2}::${TYPES[name] ?? 'text'}[]`).join(', ')}) as e(${SENT.join(', ')})
  on conflict do nothing`;

/** Writes events of one chain; those that are there already stay as they are. */
export function insertStep(chain: string, events: readonly SealedEvent[]): Step {
  const columns = COLUMN_NAMES.map((name, i) => {
    const element = elementOf(name);
    return `{${events.map(({ draft }) => element(draft[i] ?? 'null')).join(',')}}`;
  });
  const sequences = arrayText(events.map(({ sequence }) => sequence));
  const previous = arrayText(events.map(({ previousHash }) => previousHash));
  const hashes = arrayText(events.map(({ hash }) => hash));
  return { text: INSERT, values: [chain, ...columns, sequences, previous, hashes] };
}

/** How the canonical JSON of a column stands in an array. */
function elementOf(name: ColumnName): (json: string) => string {
  if (JSON_COLUMNS.has(name)) return (json) => (json === 'null' ? 'NULL' : arrayElement(json));
  if (name === 'principal_roles') return (json) => arrayElement(arrayText(JSON.parse(json) as string[]));
  return (json) => {
    if (json === 'null') return 'NULL';
    // a JSON text without a backslash is quoted as it stands; what is no text needs no quotes
    return json.includes('\\') ? arrayElement(JSON.parse(json) as string) : json;
  };
}

/** Every column of the table as a text that `readRow` understands. */
const READ: Readonly<Partial<Record<keyof AuditEvent, (column: string) => string>>> = {
  at: isoTime,
  principal_roles: (column) => `array_to_json(${column})::text`,
  truncated: (column) => `${column}::text`,
};

const EVENT_COLUMNS = Object.keys(AuditEvent.shape) as (keyof AuditEvent)[];

/** What stands behind `select` to read events; `of` is a name for the table, such as `e`. */
export function selectColumns(of: string): string {
  return EVENT_COLUMNS.map((name) => READ[name]?.(`${of}.${name}`) ?? `${of}.${name}`).join(', ');
}

/** The event in a row that was read with `selectColumns`, as it was written. Not checked: `verify` does that. */
export function readRow(row: readonly (string | null)[]): AuditEvent {
  const entries = EVENT_COLUMNS.map((name, i) => [name, readValue(name, row[i] ?? null)] as const);
  return Object.fromEntries(entries) as AuditEvent;
}

function readValue(name: keyof AuditEvent, text: string | null): unknown {
  if (text === null) return null;
  if (name === 'input' || name === 'details' || name === 'principal_roles') return JSON.parse(text);
  if (name === 'truncated') return text === 'true';
  const type = TYPES[name];
  return type === 'bigint' || type === 'double precision' ? Number(text) : text;
}
