import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeEmbedded, startEmbedded, type EmbeddedOptions, type EmbeddedServer } from '../../postgres/embedded.ts';
import { isThere } from '../../postgres/whole-directory.ts';
import { formatQuantity } from '../../render/quantity.ts';
import { administrator, isMade, makeDatabase, type DemoDatabase } from './demo-database.ts';
import { lockDemo } from './demo-lock.ts';
import { withSession } from './session.ts';
import { SHOP } from './shop.ts';
import { ARCHIVE_COMMAND, WAREHOUSE } from './warehouse.ts';

/** The servers of the demo, by the names that callers use; `shop-standby` streams from `shop`. */
export interface DemoFleet {
  readonly shop: EmbeddedServer;
  readonly standby: EmbeddedServer;
  readonly warehouse: EmbeddedServer;
  /** Shuts all three down. */
  stop(): Promise<void>;
}

export interface FleetOptions {
  readonly stateDir: string;
  readonly signal: AbortSignal;
  /** Hears of what takes a while. */
  readonly onProgress: (line: string) => void;
}

const STANDBY = 'demo/shop-standby';
const STANDBY_SLOT = 'shop_standby';

const SETTINGS = {
  track_io_timing: 'on',
  max_prepared_transactions: '4',
  max_wal_size: '128MB',
  // disk that a slot may take: a standby that missed more is made anew
  max_slot_wal_keep_size: '256MB',
  // what a killed demo was asking for ends with it
  client_connection_check_interval: '1s',
  jit: 'off',
};

/** Starts the fleet, and makes what of it is not there. Fails with CONFLICT when another demo uses it. */
export async function openFleet(options: FleetOptions): Promise<DemoFleet> {
  const { stateDir, signal, onProgress } = options;
  await mkdir(join(stateDir, 'demo'), { recursive: true, mode: 0o700 });
  const started: EmbeddedServer[] = [];
  const locked = new AbortController();
  const stop = async () => {
    locked.abort();
    await Promise.all(started.toReversed().map((server) => server.stop()));
  };
  const start = async (name: string, more: Partial<EmbeddedOptions> = {}) => {
    const server = await startEmbedded({
      stateDir,
      name,
      settings: SETTINGS,
      preload: ['pg_stat_statements'],
      ...more,
    });
    started.push(server);
    return server;
  };
  try {
    const shop = await start('demo/shop', {
      streaming: true,
      onProgress: (step) => {
        if (step === 'installing') onProgress('the programs of PostgreSQL');
      },
    });
    await lockDemo(shop, locked.signal);
    const opening = [openShop(start, shop, options), openWarehouse(start, options)] as const;
    await Promise.allSettled(opening); // none may start after the others were stopped
    const [standby, warehouse] = await Promise.all(opening);
    signal.throwIfAborted();
    return { shop, standby, warehouse, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Start = (name: string, more?: Partial<EmbeddedOptions>) => Promise<EmbeddedServer>;

/** The standby is copied when the shop is whole: that is quicker than to send it all that is written on the way. */
async function openShop(start: Start, shop: EmbeddedServer, options: FleetOptions): Promise<EmbeddedServer> {
  const { stateDir, signal, onProgress } = options;
  const isNew = await makeUnlessMade(shop, SHOP, options);
  const isUsable = !isNew && (await isThere(join(stateDir, STANDBY, 'data'))) && (await isFollowed(shop, signal));
  if (!isUsable) await removeEmbedded(stateDir, STANDBY);
  const { socketDirectory, port, dataDirectory } = shop;
  return start(STANDBY, {
    standbyOf: { socketDirectory, port, dataDirectory, slot: STANDBY_SLOT },
    onProgress: (step) => {
      if (step === 'creating') onProgress('a standby of the shop, copied while the shop is open');
    },
  });
}

/** Whether the shop still has all the WAL that the standby needs. */
async function isFollowed(shop: EmbeddedServer, signal: AbortSignal): Promise<boolean> {
  return withSession(shop, administrator(signal), async (client) => {
    const { rowCount } = await client.query(
      `SELECT FROM pg_replication_slots WHERE slot_name = $1 AND wal_status <> 'lost'`,
      [STANDBY_SLOT],
    );
    return rowCount === 1;
  });
}

async function openWarehouse(start: Start, options: FleetOptions): Promise<EmbeddedServer> {
  const warehouse = await start('demo/warehouse', {
    settings: { ...SETTINGS, autovacuum: 'off', archive_mode: 'on' },
  });
  await makeUnlessMade(warehouse, WAREHOUSE, options);
  await withSession(warehouse, administrator(options.signal), async (client) => {
    // never the value that it was started with, so that one setting waits for a restart
    const { rows } = await client.query<{ statement: string }>(
      `SELECT format('ALTER SYSTEM SET %I = %s', name, CASE setting WHEN '64' THEN 96 ELSE 64 END) AS statement
         FROM pg_settings WHERE name = 'max_pred_locks_per_transaction'`,
    );
    for (const { statement } of rows) await client.query(statement);
    await client.query(`ALTER SYSTEM SET archive_command = ${client.escapeLiteral(ARCHIVE_COMMAND)}`);
    await client.query('SELECT pg_reload_conf()');
  });
  return warehouse;
}

async function makeUnlessMade(
  server: EmbeddedServer,
  database: DemoDatabase,
  { signal, onProgress }: FleetOptions,
): Promise<boolean> {
  if (await isMade(server, database, signal)) return false;
  await makeDatabase(server, database, {
    signal,
    onChapter: (title, tookMs) => onProgress(`${title} (${formatQuantity(tookMs, 'ms')})`),
  });
  return true;
}
