import type pg from 'pg';
import { pause, withSessions, type DemoServer } from '../session.ts';
import { GOODS, KEPT_MOVEMENTS, SCANNERS } from '../warehouse.ts';

const BETWEEN_MOVEMENTS_MS = 2000;
const MOVEMENTS_BETWEEN_CLEANUPS = 300;
const MOVEMENTS_BETWEEN_MEASUREMENTS = 100;
const DAY_MS = 24 * 3600 * 1000;
const KEPT_DAYS = 7;

/**
 * Goods come and go, and the cold store is measured. Each scanner keeps a connection. Autovacuum is off on the whole
 * server; a rare VACUUM keeps the tables from growing for ever.
 */
export async function moveGoods(warehouse: DemoServer, signal: AbortSignal): Promise<void> {
  const login = { user: 'warehouse_app', database: 'warehouse', as: 'scanner', count: SCANNERS, signal };
  await withSessions(warehouse, login, async (scanners) => {
    let today = '';
    for (let n = 0; ; n++) {
      const client = scanners[n % SCANNERS];
      if (!client) return;
      today = await makePartition(client, today);
      await move(client, n);
      if (n % MOVEMENTS_BETWEEN_MEASUREMENTS === 0) await measure(client);
      if (n % MOVEMENTS_BETWEEN_CLEANUPS === MOVEMENTS_BETWEEN_CLEANUPS - 1) await cleanUp(client);
      await pause(BETWEEN_MOVEMENTS_MS, signal);
    }
  });
}

async function move(client: pg.Client, n: number): Promise<void> {
  const good = 1 + ((n * 31) % GOODS);
  await client.query('INSERT INTO movements (good_id, quantity, moved_at) VALUES ($1, 1, now())', [good]);
  await client.query('UPDATE goods SET quantity = quantity - 1 WHERE id = $1', [good]);
  await client.query('SELECT sum(quantity) FROM movements WHERE good_id = $1', [good]);
}

async function measure(client: pg.Client): Promise<void> {
  await client.query('INSERT INTO temperatures SELECT sensor, now(), 3 + random() FROM generate_series(1, 3) sensor');
}

/** For the first row of a day, and none before; it returns the day, by UTC. */
async function makePartition(client: pg.Client, made: string): Promise<string> {
  const today = dayAt(Date.now());
  if (today === made) return made;
  const ends = dayAt(Date.now() + DAY_MS);
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${partitionOf(today)} PARTITION OF temperatures
       FOR VALUES FROM ('${today} 00:00+00') TO ('${ends} 00:00+00')`,
  );
  const { rows } = await client.query<{ name: string }>(
    `SELECT relid::regclass AS name FROM pg_partition_tree('temperatures')
      WHERE isleaf AND relid::regclass::text < $1 AND relid::regclass::text ~ '\\d{8}$'`,
    [partitionOf(dayAt(Date.now() - KEPT_DAYS * DAY_MS))],
  );
  for (const { name } of rows) await client.query(`DROP TABLE ${name}`);
  return today;
}

function dayAt(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function partitionOf(day: string): string {
  return `temperatures_${day.replaceAll('-', '')}`;
}

async function cleanUp(client: pg.Client): Promise<void> {
  await client.query(`DELETE FROM movements WHERE id <= (SELECT max(id) - ${KEPT_MOVEMENTS} FROM movements)`);
  await client.query('VACUUM movements, goods');
  await client.query('UPDATE goods SET quantity = 100');
}
