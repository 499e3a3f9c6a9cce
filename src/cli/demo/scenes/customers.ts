import type pg from 'pg';
import { pause, withSession, type DemoServer } from '../session.ts';
import { CARTS, CONTESTED_PRODUCTS, CUSTOMERS, KEPT_INVOICES, KEPT_ORDERS, PRODUCTS } from '../shop.ts';

const BETWEEN_ORDERS_MS = 700;
const ORDERS_BETWEEN_CLEANUPS = 100;

/** Tables that grow by the order, the referencing ones first; the column with its id, and how many orders are kept. */
const BOUNDED = [
  ['order_items', 'order_id', KEPT_ORDERS],
  ['payments', 'order_id', KEPT_ORDERS],
  ['orders', 'id', KEPT_ORDERS],
  ['invoices', 'order_id', KEPT_INVOICES],
] as const;

/** Somebody buys something, somebody looks at old orders, and what is too old is removed: the shop keeps its size. */
export async function serveCustomers(shop: DemoServer, signal: AbortSignal): Promise<void> {
  await withSession(shop, { user: 'shop_app', database: 'shop', as: 'shop', signal }, async (client) => {
    for (let n = 1; ; n++) {
      await buy(client, n);
      await lookBack(client, n);
      if (n % ORDERS_BETWEEN_CLEANUPS === 0) await removeOldest(client);
      await pause(BETWEEN_ORDERS_MS, signal);
    }
  });
}

async function buy(client: pg.Client, n: number): Promise<void> {
  const product = CONTESTED_PRODUCTS + 1 + (n % (PRODUCTS - CONTESTED_PRODUCTS));
  await client.query('BEGIN');
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO orders (customer_id, status, note, placed_at) VALUES ($1, 'paid', $2, now()) RETURNING id`,
    [1 + ((n * 7919) % CUSTOMERS), `Please ring twice, it is customer ${n}`],
  );
  const order = rows[0]?.id;
  await client.query('INSERT INTO order_items VALUES ($1, 1, $2, 1), ($1, 2, $2, 2)', [order, product]);
  await client.query('UPDATE products SET stock = stock - 3 WHERE id = $1', [product]);
  await client.query('INSERT INTO payments SELECT $1, 3 * price, now() FROM products WHERE id = $2', [order, product]);
  await client.query('INSERT INTO invoices (order_id, issued_at) VALUES ($1, now())', [order]);
  await client.query('COMMIT');
  await client.query(`UPDATE carts SET contents = '{"items": []}' WHERE id = $1`, [1 + (n % CARTS)]);
}

/** A question for every order of a page, instead of one for the page. */
async function lookBack(client: pg.Client, n: number): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT id, status FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT 10',
    [1 + ((n * 104_729) % CUSTOMERS)],
  );
  for (const { id } of rows) {
    await client.query('SELECT product_id, quantity FROM order_items WHERE order_id = $1', [id]);
  }
}

async function removeOldest(client: pg.Client): Promise<void> {
  for (const [table, column, kept] of BOUNDED) {
    await client.query(`DELETE FROM ${table} WHERE ${column} <= (SELECT max(id) - ${kept} FROM orders)`);
  }
}
