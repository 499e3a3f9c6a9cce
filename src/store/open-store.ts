import { join } from 'node:path';
import { createConfigError } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { PlatformError } from '../core/errors.ts';
import type { Result } from '../postgres/database.ts';
import { parseTarget, type ConnectionTarget } from '../postgres/target.ts';
import type { Step } from '../postgres/wire.ts';
import { followChanges, listen, type Changes } from './changes.ts';
import { openStoreConnection, type StoreConnection, type StoreConnectionOptions } from './connection.ts';
import { hasEmbeddedStore, startEmbeddedStore } from './embedded-store.ts';
import type { KeyRing } from './key-ring.ts';
import { migrateStore, requireCurrent, type Migrated } from './migrate.ts';
import { openKeyRing } from './secrets-key.ts';

/** Howdah's own database. Whoever opened it closes it. */
export interface Store {
  readonly keys: KeyRing;
  readonly changes: Changes;
  /** What was done to its schema when it was opened; undefined where its owner is not known and nothing was needed. */
  readonly migrated: Migrated | undefined;
  /** Runs the steps as one transaction, on a session that others use too. */
  exchange(steps: readonly Step[]): Promise<Result[]>;
  /** A session of one's own; closed with the store. */
  connect(options?: Pick<StoreConnectionOptions, 'opening' | 'timeLimitMs'>): StoreConnection;
  close(): Promise<void>;
}

export interface StorePlace {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What `stateDirectory` gives. */
  readonly stateDir: string;
  readonly warn: (message: string) => void;
}

/** Where the store is, and who owns it. */
interface Place {
  readonly target: ConnectionTarget;
  /** Undefined where only the role that Howdah runs with is known. */
  readonly owner: ConnectionTarget | undefined;
  stop(): Promise<void>;
}

/** `configured`: by `store.url`. `embedded`: none is, and one was made here or may be. `none`: only files are kept. */
export type StoreKind = 'configured' | 'embedded' | 'none';

/**
 * What may be done where `store.url` names none: `none` is for what keeps files only, `found` uses the embedded store
 * if it was made before, `made` makes it.
 */
export type EmbeddedUse = 'none' | 'found' | 'made';

export async function findStore({ config, stateDir }: StorePlace, use: EmbeddedUse): Promise<StoreKind> {
  if (config.store.url !== undefined) return 'configured';
  if (!config.store.embedded || use === 'none') return 'none';
  return use === 'made' || (await hasEmbeddedStore(stateDir)) ? 'embedded' : 'none';
}

/** Opens the store, and migrates it where its owner is known. Fails with CONFIG_INVALID, CONFLICT, UNAVAILABLE … */
export async function openStore(place: StorePlace, kind: Exclude<StoreKind, 'none'>): Promise<Store> {
  const generated = kind === 'embedded' ? join(place.stateDir, 'secrets.key') : undefined;
  const keys = await openKeyRing(place.config.secrets, { env: place.env, generated });
  const found = kind === 'embedded' ? await startEmbeddedStore(place.stateDir) : configuredPlace(place);
  try {
    const migrated = await bringUp(found, place);
    return await storeAt(found, keys, migrated);
  } catch (error) {
    await found.stop();
    throw explain(error);
  }
}

/** Whoever starts Howdah may know where the store is and what is wrong with it. */
function explain(error: unknown): unknown {
  const cause = error instanceof PlatformError && error.code === 'UNAVAILABLE' ? error.cause : undefined;
  if (!(cause instanceof PlatformError)) return error;
  return new PlatformError('UNAVAILABLE', `The store cannot be used: ${cause.message}`, { hint: cause.hint, cause });
}

function configuredPlace({ config, env, warn }: StorePlace): Place {
  const { url, migrate_url: migrateUrl } = config.store;
  const parse = (path: string, text: string) => {
    try {
      return parseTarget(text, { env, warn });
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      throw createConfigError('the configuration', [{ path, message: `cannot be used: ${error.message}` }]);
    }
  };
  return {
    target: parse('store.url', url?.reveal() ?? ''),
    owner: migrateUrl && parse('store.migrate_url', migrateUrl.reveal()),
    stop: () => Promise.resolve(),
  };
}

/** With one role for both tasks it migrates as well, and says what that means. */
async function bringUp(found: Place, place: StorePlace): Promise<Migrated | undefined> {
  const { target, owner } = found;
  const lag = owner === undefined ? await findLag(target) : undefined;
  if (owner === undefined && lag === undefined && !(await ownsStore(target, place))) return undefined;
  try {
    const migrated = await migrateAt(found, place.config, owner ?? target);
    if (migrated.oneRole) place.warn(ONE_ROLE);
    return migrated;
  } catch (error) {
    throw lag !== undefined && isForbidden(error) ? lag : error;
  }
}

const ONE_ROLE =
  'the role of store.url owns the store and could change the audit log; let another own the tables: store.migrate_url.';

/** Whether the one role that is known owns the tables; if it does not, says what only the owner can put right. */
async function ownsStore(target: ConnectionTarget, { config, warn }: StorePlace): Promise<boolean> {
  const connection = openStoreConnection({ target });
  try {
    const [result] = await connection.exchange([
      {
        text: `select pg_catalog.pg_has_role(n.nspowner, 'usage')::text,
                      (select s.value from howdah.owner_setting s where s.name = 'audit_retention_months')
                 from pg_catalog.pg_namespace n where n.nspname = 'howdah'`,
        values: [],
      },
    ]);
    const [owns, kept = null] = result?.rows[0] ?? [];
    if (owns !== 'true' && kept !== (retentionMonths(config)?.toString() ?? null)) warn(RETENTION);
    return owns === 'true';
  } finally {
    await connection.close();
  }
}

const RETENTION =
  'audit.retention differs from what the store was told, and only its owner can say: run `howdah migrate` with store.migrate_url.';

/** Null for ever. */
function retentionMonths({ audit }: Config): number | null {
  return audit.retention === 'forever' ? null : Number.parseInt(audit.retention, 10);
}

/** What is wrong with the schema that a migration can put right. Fails with CONFLICT for what none can. */
async function findLag(target: ConnectionTarget): Promise<PlatformError | undefined> {
  const connection = openStoreConnection({ target });
  try {
    await requireCurrent(connection);
    return undefined;
  } catch (error) {
    if (error instanceof PlatformError && error.details?.['is_older'] === true) return error;
    throw error;
  } finally {
    await connection.close();
  }
}

/** insufficient_privilege */
function isForbidden(error: unknown): boolean {
  return error instanceof PlatformError && error.details?.['sqlstate'] === '42501';
}

function migrateAt({ target }: Place, config: Config, owner: ConnectionTarget): Promise<Migrated> {
  return migrateStore({ owner, runRole: target.user, retentionMonths: retentionMonths(config) });
}

async function storeAt(place: Place, keys: KeyRing, migrated: Migrated | undefined): Promise<Store> {
  const connections = new Set<StoreConnection>();
  const connect: Store['connect'] = (options) => {
    const connection = openStoreConnection({ target: place.target, ...options });
    connections.add(connection);
    return {
      ...connection,
      close() {
        connections.delete(connection);
        return connection.close();
      },
    };
  };
  const shared = connect();
  await requireKeys(shared, keys);
  await requireKeysOfRights(shared, keys);
  const changes = followChanges(connect({ opening: listen }));
  return {
    keys,
    changes,
    migrated,
    exchange: (steps) => shared.exchange(steps),
    connect,
    async close() {
      changes.close();
      await Promise.all([...connections].map((connection) => connection.close()));
      await place.stop();
    },
  };
}

const WITNESS = 'key_witness';

/** With another key nothing in the store could be opened or proven: that must stop the start, not come to light later. */
async function requireKeys(connection: StoreConnection, keys: KeyRing): Promise<void> {
  const { keyId, bytes } = keys.seal(Buffer.from(WITNESS), WITNESS);
  const [, found] = await connection.exchange([
    {
      text: `insert into howdah.sealed (name, key_id, sealed) values ($1, $2, $3) on conflict (name) do nothing`,
      values: [WITNESS, keyId, `\\x${bytes.toString('hex')}`],
    },
    { text: 'select key_id, sealed from howdah.sealed where name = $1', values: [WITNESS] },
  ]);
  const [storedId = '', sealed = ''] = found?.rows[0] ?? [];
  keys.open({ keyId: storedId ?? '', bytes: Buffer.from((sealed ?? '').slice(2), 'hex') }, WITNESS);
}

/**
 * Rows that give rights and are bound with a key that is not known would count for nothing, and what stands behind them
 * would count in their place, such as a wider persona.
 */
async function requireKeysOfRights(connection: StoreConnection, keys: KeyRing): Promise<void> {
  const text = `select key_id from howdah.persona_version union select key_id from howdah.persona_grant
    union select key_id from howdah.persona_grant_end order by key_id`;
  const [found] = await connection.exchange([{ text, values: [] }]);
  const unknown = (found?.rows ?? []).map(([id]) => id ?? '').filter((id) => !keys.publicKeys().has(id));
  if (unknown.length === 0) return;
  throw new PlatformError(
    'CONFIG_INVALID',
    `Personas or grants in the store were written under a key that is not known: ${unknown.join(', ')}.`,
    {
      hint: 'Put the key that was in force then under secrets.previous. If there never was one, somebody planted the rows: their owner can delete them.',
    },
  );
}
