import { timeOfUuidv7 } from '../core/ids.ts';
import { digestRow, isBound } from '../store/bound-row.ts';
import { isoTime } from '../store/iso-time.ts';
import type { KeyRing } from '../store/key-ring.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import type { Exchange } from './store-scan.ts';
import { createToldRows } from './told-rows.ts';

/** How a column is read as the JSON value that was bound. */
const READ = {
  text: (name: string) => `to_json(${name}::text)`,
  number: (name: string) => `to_json(${name})`,
  boolean: (name: string) => `to_json(${name})`,
  json: (name: string) => `${name}::json`,
  texts: (name: string) => `to_json(${name}::text[])`,
  time: (name: string) => `to_json(${isoTime(name)})`,
  /** In hexadecimal. */
  bytes: (name: string) => `to_json(encode(${name}, 'hex'))`,
} as const;

/** A table in the schema howdah whose rows are bound with `bindRow`; it has the columns event_id, key_id and mac as well. */
export interface BoundTable {
  readonly table: string;
  /** The columns of its primary key; several stand in the event joined by `/`. */
  readonly key: readonly string[];
  /** What is bound. */
  readonly columns: Readonly<Record<string, keyof typeof READ>>;
}

/** One line for each; a table that is not here is not checked. */
export const BOUND_TABLES: readonly BoundTable[] = [
  {
    table: 'persona_version',
    key: ['name', 'version'],
    columns: { name: 'text', version: 'number', spec: 'json', at: 'time', author: 'text', reason: 'text' },
  },
  {
    table: 'persona_grant',
    key: ['id'],
    columns: {
      id: 'text',
      issuer: 'text',
      subject: 'text',
      role: 'text',
      persona: 'text',
      at: 'time',
      until: 'time',
      author: 'text',
      reason: 'text',
    },
  },
  {
    table: 'persona_grant_end',
    key: ['id'],
    columns: { id: 'text', grant_id: 'text', how: 'text', at: 'time', author: 'text', reason: 'text' },
  },
];

export interface BrokenRow {
  readonly table: string;
  readonly row: string;
  readonly what: string;
}

interface Awaited {
  readonly table: string;
  readonly row: string;
  readonly digest: string;
}

/** Compares rows with the events that tell of them. */
export interface BoundRowChecker {
  readonly count: number;
  /** To be given every event that is whole, those of a chain in their order. */
  add(event: AuditEvent): void;
  /** What is wrong, once every event was given. `droppedUntil`: events before that time are gone by age. */
  finish(droppedUntil: number): readonly BrokenRow[];
}

const PAGE = 500;
const FORGED = 'Its code is wrong: somebody without the key of Howdah wrote, changed or copied it.';
const UNTOLD = 'No event in the log tells of it as it stands.';
const GONE =
  'It is gone: an event tells of it. Somebody deleted it; or it could not be written, which Howdah records within minutes.';
/** A row follows its event; one that was told of so shortly before the rows were read may not have been there yet. */
const FOLLOWS_MS = 60_000;

/** Reads every row first: an event is in the log before the row that it tells of is in its table. */
export async function readBoundRows(
  exchange: Exchange,
  keys: Pick<KeyRing, 'isAuthentic'>,
  tables: readonly BoundTable[] = BOUND_TABLES,
  readAt = Date.now(),
): Promise<BoundRowChecker> {
  const awaited = new Map<string, Awaited[]>();
  const broken: BrokenRow[] = [];
  const present = new Set<string>();
  const told = createToldRows(keys);
  const known = new Set(tables.map(({ table }) => table));
  let count = 0;
  for (const bound of tables) {
    for await (const { key, row, binding } of readRows(exchange, bound)) {
      count += 1;
      present.add(placeOf(bound.table, key));
      if (!isBound(keys, bound.table, row, binding)) broken.push({ table: bound.table, row: key, what: FORGED });
      else {
        const each = { table: bound.table, row: key, digest: digestRow(bound.table, row) };
        awaited.set(binding.event_id, [...(awaited.get(binding.event_id) ?? []), each]);
      }
    }
  }
  return {
    count,
    add(event) {
      const { id } = event;
      const said = event.details as Partial<Awaited> | null;
      const isAwaited = isTold(said) && known.has(said.table) && timeOfUuidv7(id) < readAt - FOLLOWS_MS;
      told.add(event, isAwaited ? said : undefined);
      const waiting = awaited.get(id);
      if (waiting === undefined) return;
      const rest = waiting.filter(
        ({ table, row, digest }) => said?.table !== table || said.row !== row || said.digest !== digest,
      );
      if (rest.length > 0) awaited.set(id, rest);
      else awaited.delete(id);
    },
    finish(droppedUntil) {
      const untold = [...awaited].filter(([id]) => timeOfUuidv7(id) >= droppedUntil).flatMap(([, rows]) => rows);
      const gone = told.expected().filter(({ table, row }) => !present.has(placeOf(table, row)));
      return [
        ...broken,
        ...untold.map(({ table, row }) => ({ table, row, what: UNTOLD })),
        ...gone.map(({ table, row }) => ({ table, row, what: GONE })),
      ];
    },
  };
}

function isTold(said: Partial<Awaited> | null): said is Awaited {
  return [said?.table, said?.row, said?.digest].every((each) => typeof each === 'string');
}

function placeOf(table: string, row: string): string {
  return `${table} ${row}`;
}

async function* readRows(exchange: Exchange, { table, key, columns }: BoundTable) {
  const names = Object.keys(columns);
  const values = names.map((name) => `${READ[columns[name] ?? 'text'](`t.${name}`)}::text`);
  const path = key.map((name) => `t.${name}::text`).join(` || '/' || `);
  const select = `select ${path} as row_key, t.event_id::text, t.key_id, t.mac, ${values.join(', ')} from howdah.${table} t`;
  let last: string | undefined;
  for (;;) {
    const behind = last === undefined ? '' : `where ${path} > $1`;
    const text = `${select} ${behind} order by row_key limit ${PAGE}`;
    const [page] = await exchange([{ text, values: last === undefined ? [] : [last] }]);
    const rows = page?.rows ?? [];
    for (const [rowKey, eventId, keyId, mac, ...texts] of rows) {
      last = rowKey ?? '';
      const row = Object.fromEntries(
        names.map((name, i): [string, unknown] => [name, JSON.parse(texts[i] ?? 'null') as unknown]),
      );
      yield { key: last, row, binding: { event_id: eventId ?? '', key_id: keyId ?? '', mac: mac ?? '' } };
    }
    if (rows.length < PAGE) return;
  }
}

/** Secrets that cannot be opened in their places: they were changed, moved or written by somebody else. */
export async function checkSealed(exchange: Exchange, keys: Pick<KeyRing, 'open'>): Promise<readonly BrokenRow[]> {
  const text = `select name, key_id, encode(sealed, 'hex') from howdah.sealed order by name`;
  const [result] = await exchange([{ text, values: [] }]);
  return (result?.rows ?? []).flatMap(([name, keyId, hex]) => {
    try {
      keys.open({ keyId: keyId ?? '', bytes: Buffer.from(hex ?? '', 'hex') }, name ?? '');
      return [];
    } catch (error) {
      return [{ table: 'sealed', row: name ?? '', what: (error as Error).message }];
    }
  });
}
