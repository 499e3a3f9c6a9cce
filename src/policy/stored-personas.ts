import type { Result } from '../postgres/database.ts';
import { arrayText } from '../postgres/parameter-text.ts';
import type { Step } from '../postgres/wire.ts';
import { bindRow, isBound } from '../store/bound-row.ts';
import { isoTime } from '../store/iso-time.ts';
import type { KeyRing } from '../store/key-ring.ts';
import type { Store } from '../store/open-store.ts';

/** One version of a persona of the store. */
export interface PersonaVersion {
  readonly name: string;
  readonly version: number;
  /** As it was written; null says that there is none any more. */
  readonly spec: unknown;
  /** ISO 8601. */
  readonly at: string;
  readonly author: string;
  readonly reason: string;
}

export interface FoundVersion extends PersonaVersion {
  readonly eventId: string;
  /** Whether Howdah wrote it; one that somebody else wrote is never put in force. */
  readonly isAuthentic: boolean;
}

type Rows = Pick<Store, 'exchange' | 'keys'>;

export const PERSONA_TABLE = 'persona_version';

const COLUMNS = `name, version, spec::text, ${isoTime('at')}, author, reason, event_id, key_id, mac`;
const NEWEST = `select distinct on (name) ${COLUMNS} from howdah.${PERSONA_TABLE} order by name, version desc`;
const ALL = `select ${COLUMNS} from howdah.${PERSONA_TABLE} where name = any ($1::text[]) order by name, version desc`;

/** All versions of some personas, the newest of each first. */
export async function readVersions({ exchange, keys }: Rows, names: readonly string[]): Promise<FoundVersion[]> {
  const [result] = await exchange([{ text: ALL, values: [arrayText(names)] }]);
  return rowsOf(result, keys);
}

/** What is in force of each persona, and the rows that are not what Howdah wrote. */
export async function readPersonas(
  store: Rows,
): Promise<{ readonly current: PersonaVersion[]; readonly refused: FoundVersion[] }> {
  const [result] = await store.exchange([{ text: NEWEST, values: [] }]);
  const newest = rowsOf(result, store.keys);
  const doubted = newest.filter(({ isAuthentic }) => !isAuthentic).map(({ name }) => name);
  const older = doubted.length === 0 ? [] : await readVersions(store, doubted);
  const current = new Map(newest.filter(({ isAuthentic }) => isAuthentic).map((version) => [version.name, version]));
  for (const version of older) {
    if (version.isAuthentic && !current.has(version.name)) current.set(version.name, version);
  }
  return { current: [...current.values()], refused: older.filter(({ isAuthentic }) => !isAuthentic) };
}

/** The primary key of a version as text. */
export function keyOfVersion({ name, version }: Pick<PersonaVersion, 'name' | 'version'>): string {
  return `${name}/${version}`;
}

/** The number of the next version: behind the newest authentic one, and one that nobody has planted a row under. */
export function nextNumber(all: readonly FoundVersion[]): number {
  const taken = new Set(all.map(({ version }) => version));
  let next = 1 + (all.find(({ isAuthentic }) => isAuthentic)?.version ?? 0);
  while (taken.has(next)) next++;
  return next;
}

/** Binds a version to its event; the step writes it if its number is free, and answers with a row then. */
export function versionStep(keys: KeyRing, next: PersonaVersion, eventId: string): Step & { readonly digest: string } {
  const { key_id: keyId, mac, digest } = bindRow(keys, PERSONA_TABLE, { ...next }, eventId);
  const { name, version, spec, at, author, reason } = next;
  return {
    text: `insert into howdah.${PERSONA_TABLE} (name, version, spec, at, author, reason, event_id, key_id, mac)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      on conflict do nothing returning version`,
    values: [
      name,
      String(version),
      spec === null ? null : JSON.stringify(spec),
      at,
      author,
      reason,
      eventId,
      keyId,
      mac,
    ],
    digest,
  };
}

function rowsOf(result: Result | undefined, keys: KeyRing): FoundVersion[] {
  return (result?.rows ?? []).map((row) => {
    const [name = '', version, spec, at = '', author = '', reason = '', eventId = '', keyId = '', mac = ''] = row.map(
      (value) => value ?? undefined,
    );
    const found: PersonaVersion = {
      name,
      version: Number(version),
      spec: spec === undefined ? null : (JSON.parse(spec) as unknown),
      at,
      author,
      reason,
    };
    const binding = { event_id: eventId, key_id: keyId, mac };
    return { ...found, eventId, isAuthentic: isBound(keys, PERSONA_TABLE, { ...found }, binding) };
  });
}
