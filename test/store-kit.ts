/** A store of one's own: a fresh database with a role that owns it and one that Howdah runs with. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Config } from '../src/config/schema.ts';
import type { AuditLog } from '../src/audit/event.ts';
import { openAuditStore, type AuditStoreOptions } from '../src/audit/store-log.ts';
import { openStore, type Store } from '../src/store/open-store.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';

export interface StoreDatabase {
  /** As in `store.url`: the role that Howdah runs with. */
  readonly url: string;
  /** As in `store.migrate_url`: the role that owns the tables. */
  readonly ownerUrl: string;
  /** As `secrets.key`. */
  readonly key: string;
  readonly name: string;
  /** The configuration with this store and what is given beside it. */
  config(more?: Record<string, unknown>): Config;
  /** What `config` refers to. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a statement as the owner of the tables. */
  asOwner(text: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  /** Runs a statement as the role that Howdah runs with. */
  asRunRole(text: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  /** A directory that is removed after the test. */
  readonly stateDir: string;
}

export interface Stores {
  make(): Promise<StoreDatabase>;
  open(database: StoreDatabase, more?: Record<string, unknown>): Promise<Store>;
}

export interface OwnStores extends Stores {
  readonly server: OwnServer;
}

/** The same on a server of one's own that a store can be on: the shared ones run without fsync. */
export function useOwnStores(settings: Readonly<Record<string, string>> = {}): OwnStores {
  let server: OwnServer;
  beforeAll(async () => {
    server = await startOwnServer({ fsync: 'on', ...settings });
  });
  afterAll(() => server.stop());
  return {
    get server() {
      return server;
    },
    ...useStores(() => server),
  };
}

/** Makes databases that are dropped after the test, with the sessions on them. */
export function useStores(server: () => { readonly url: string }): Stores {
  let undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of undo.toReversed()) await step();
    undo = [];
  });
  return {
    async make() {
      const database = await makeDatabase(server().url);
      undo.push(() => dropDatabase(server().url, database));
      return database;
    },
    async open(database, more) {
      const config = database.config(more);
      const { env, stateDir } = database;
      const store = await openStore({ config, env, stateDir, warn: () => undefined }, 'configured');
      undo.push(() => store.close());
      return store;
    },
  };
}

async function makeDatabase(url: string): Promise<StoreDatabase> {
  const name = `store_${randomBytes(5).toString('hex')}`;
  const [owner, run] = [`${name}_owner`, `${name}_run`];
  const password = randomBytes(12).toString('hex');
  await runOn(url, `create role ${owner} login password '${password}'`);
  await runOn(url, `create role ${run} login password '${password}'`);
  await runOn(url, `create database ${name} owner ${owner}`);
  const at = (user: string) => Object.assign(new URL(url), { username: user, password, pathname: `/${name}` }).href;
  const stateDir = mkdtempSync(join(tmpdir(), 'howdah-store-'));
  const key = randomBytes(48).toString('base64url');
  const ownerUrl = at(owner);
  return {
    name,
    url: at(run),
    ownerUrl,
    key,
    stateDir,
    env: { HOWDAH_STATE: stateDir, STORE_KEY: key },
    config: ({ store, ...more } = {}) =>
      Config.parse({
        secrets: { key: { env: 'STORE_KEY' } },
        store: { url: at(run), migrate_url: ownerUrl, ...(store as object | undefined) },
        ...more,
      }),
    asOwner: (text, values) => runOn(ownerUrl, text, values),
    asRunRole: (text, values) => runOn(at(run), text, values),
  };
}

async function dropDatabase(url: string, { name, stateDir }: StoreDatabase): Promise<void> {
  await runOn(url, `drop database if exists ${name} with (force)`);
  for (const role of [`${name}_owner`, `${name}_run`]) await runOn(url, `drop role if exists ${role}`);
  rmSync(stateDir, { recursive: true, force: true });
}

/** The audit log in a store; whoever opens it closes it. */
export function openAudit(
  store: Store,
  { stateDir }: Pick<StoreDatabase, 'stateDir'>,
  more: Partial<AuditStoreOptions> = {},
): Promise<AuditLog> {
  return openAuditStore({
    store,
    version: '0',
    onUnavailable: 'refuse',
    directory: stateDir,
    spoolLimitBytes: 1e7,
    warn: () => undefined,
    ...more,
  });
}

/** One statement on a session of its own. */
export async function runOn(url: string, text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
  const client = new pg.Client(url);
  client.on('error', () => undefined); // the query that fails says it
  await client.connect();
  try {
    return await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}

/** Runs statements as a superuser with every trigger and policy out of force; returns how many rows each changed. */
export async function attack(
  serverUrl: string,
  { name }: Pick<StoreDatabase, 'name'>,
  ...statements: readonly string[]
): Promise<(number | null)[]> {
  const client = new pg.Client(Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href);
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    const counts: (number | null)[] = [];
    for (const statement of statements) counts.push((await client.query(statement)).rowCount);
    return counts;
  } finally {
    await client.end();
  }
}
