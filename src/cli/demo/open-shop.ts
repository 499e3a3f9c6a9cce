import pg from 'pg';
import { CHECKOUT, FAILED_INDEX, SHOP, WORKLOAD } from './shop.ts';

/** How to reach the PostgreSQL of the demo, as its superuser. */
export interface ShopServer {
  /** Directory of its Unix socket. */
  readonly host: string;
  readonly port: number;
}

export const SHOP_DATABASE = 'shop';
/** The login that the check uses: a member of pg_monitor. */
export const MONITOR = 'monitor';

/** What an earlier demo left. */
const CLEARED = [
  `DROP DATABASE IF EXISTS ${SHOP_DATABASE} WITH (FORCE)`,
  `DROP ROLE IF EXISTS shop_app`,
  `DROP ROLE IF EXISTS ${MONITOR}`,
];

/** An open shop: its customers wait at the checkout. */
export interface Shop {
  /** Sends everybody home. */
  close(): Promise<void>;
}

/** Makes the database, lets the application work for a moment, and leaves a checkout hanging. */
export async function openShop({ host, port }: ShopServer): Promise<Shop> {
  // a socket has no TLS, whatever PGSSLMODE says
  const server = { host, port, ssl: false };
  await withClient({ ...server, user: 'postgres', database: 'postgres' }, async (client) => {
    for (const statement of [...CLEARED, `CREATE DATABASE ${SHOP_DATABASE}`]) await client.query(statement);
  });
  await withClient({ ...server, user: 'postgres', database: SHOP_DATABASE }, async (client) => {
    for (const statement of SHOP) await client.query(statement);
    await client.query(FAILED_INDEX).catch(expectDuplicate);
  });
  const application = { ...server, user: 'shop_app', database: SHOP_DATABASE, application_name: 'shop' };
  await withClient(application, async (client) => {
    for (const { sql, times } of WORKLOAD) {
      for (let n = 1; n <= times; n++) await client.query(sql, [n]);
    }
  });
  return startCheckout({ ...application, application_name: 'checkout' });
}

/** The first session holds a row and does nothing; the others want it. */
async function startCheckout(config: pg.ClientConfig): Promise<Shop> {
  const clients = Array.from({ length: CHECKOUT.waiting + 1 }, () => new pg.Client(config));
  // a session that is ended from outside is what the check advises
  for (const client of clients) client.on('error', () => {});
  const [holder, ...waiting] = clients;
  await Promise.all(clients.map((client) => client.connect()));
  await holder?.query(CHECKOUT.begin);
  await holder?.query(CHECKOUT.take);
  const waits = waiting.map((client) => client.query(CHECKOUT.take).catch(() => {}));
  return {
    close: async () => {
      await holder?.end();
      await Promise.all(waits);
      await Promise.all(waiting.map((client) => client.end()));
    },
  };
}

function expectDuplicate(error: unknown): void {
  // 23505: unique_violation
  if (!(error instanceof pg.DatabaseError) || error.code !== '23505') throw error;
}

async function withClient<T>(config: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
