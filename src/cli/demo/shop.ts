/**
 * The database of a small shop after a few busy years, with the mistakes that such databases have. Each statement is
 * sent alone, since some cannot run inside a transaction.
 */
export const SHOP: readonly string[] = [
  'CREATE EXTENSION pg_stat_statements',
  'CREATE ROLE shop_app LOGIN',
  'CREATE ROLE monitor LOGIN',
  'GRANT pg_monitor TO monitor',
  'GRANT CREATE ON SCHEMA public TO shop_app',
  'SET ROLE shop_app',

  `CREATE TABLE customers (
     id integer PRIMARY KEY, email text NOT NULL, name text NOT NULL, city text NOT NULL, joined_at timestamptz NOT NULL)`,
  `CREATE TABLE products (id integer PRIMARY KEY, sku text NOT NULL UNIQUE, price numeric(10, 2) NOT NULL, stock integer NOT NULL)`,
  `CREATE TABLE orders (
     id bigint PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL, note text,
     placed_at timestamptz NOT NULL)`,
  `CREATE TABLE order_items (
     order_id bigint NOT NULL, line integer NOT NULL, product_id integer NOT NULL, quantity integer NOT NULL,
     PRIMARY KEY (order_id, line))`,
  // neither primary key nor statistics
  `CREATE TABLE page_views (visitor uuid NOT NULL, path text NOT NULL, seen_at timestamptz NOT NULL) WITH (autovacuum_enabled = off)`,
  // autovacuum was turned off one night and never on again
  `CREATE TABLE carts (id integer PRIMARY KEY, customer_id integer NOT NULL, contents jsonb NOT NULL) WITH (autovacuum_enabled = off)`,
  // a serial of four bytes that is nearly used up
  'CREATE TABLE invoices (id serial PRIMARY KEY, order_id bigint NOT NULL, issued_at timestamptz NOT NULL)',

  `INSERT INTO customers
   SELECT n, 'customer' || n % 19990 || '@example.org', 'Customer ' || n, 'City ' || n % 200, now() - n * interval '1 hour'
     FROM generate_series(1, 20000) n`,
  `INSERT INTO products SELECT n, 'SKU-' || n, 1 + n % 90, 100 FROM generate_series(1, 500) n`,
  `INSERT INTO orders
   SELECT n, 1 + n * 7919 % 20000, CASE WHEN n % 50 = 0 THEN 'open' ELSE 'paid' END,
          'Please leave it with the neighbours, order ' || md5(n::text), now() - n * interval '7 minutes'
     FROM generate_series(1, 80000) n`,
  `INSERT INTO order_items SELECT n, line, 1 + (n * 31 + line) % 500, 1 FROM generate_series(1, 80000) n, generate_series(1, 2) line`,
  `INSERT INTO page_views
   SELECT md5(n::text)::uuid, '/products/' || n % 500, now() - n * interval '5 seconds' FROM generate_series(1, 150000) n`,
  `INSERT INTO carts SELECT n, n, '{"items": [1, 2, 3]}' FROM generate_series(1, 20000) n`,
  `INSERT INTO invoices SELECT 2040000000 + n, n, now() FROM generate_series(1, 2000) n`,
  "SELECT setval('invoices_id_seq', 2040002000)",

  'ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers',
  'ALTER TABLE order_items ADD FOREIGN KEY (order_id) REFERENCES orders',
  // no index on product_id: deleting a product reads all items
  'ALTER TABLE order_items ADD FOREIGN KEY (product_id) REFERENCES products',
  'CREATE INDEX orders_customer_id_idx ON orders (customer_id)',
  'CREATE INDEX orders_customer_idx ON orders (customer_id)',
  'CREATE INDEX orders_note_idx ON orders (note)',
  'CREATE INDEX orders_placed_at_idx ON orders (placed_at)',
  'ANALYZE customers, products, orders, order_items, carts, invoices',
  `UPDATE carts SET contents = '{"items": [4]}'`,
  `UPDATE carts SET contents = '{"items": [4, 5]}'`,
  'GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO monitor',
  'RESET ROLE',
  'SELECT pg_stat_statements_reset()',
];

/** Fails on the two customers that share an address, and leaves an invalid index behind. */
export const FAILED_INDEX = 'CREATE UNIQUE INDEX CONCURRENTLY customers_email_key ON customers (email)';

/** What the application asks all day: `times` each, with a number from 1 on as the parameter. */
export const WORKLOAD: readonly { readonly sql: string; readonly times: number }[] = [
  // a question for every order of a page, instead of one for the page
  { sql: 'SELECT product_id, quantity FROM order_items WHERE order_id = $1', times: 400 },
  { sql: 'SELECT id, status FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT 10', times: 100 },
  { sql: "SELECT count(*) FROM orders WHERE placed_at > now() - $1 * interval '1 hour'", times: 100 },
  // reads everything that anybody ever looked at
  {
    sql: `SELECT path, count(DISTINCT visitor) FROM page_views WHERE path LIKE '%/' || $1 || '%' GROUP BY path ORDER BY 2 DESC`,
    times: 25,
  },
];

/** A checkout that waits for its payment provider with a transaction open, and those who want the same product. */
export const CHECKOUT = {
  begin: 'BEGIN',
  take: 'UPDATE products SET stock = stock - 1 WHERE id = 1',
  waiting: 6,
} as const;
