import type pg from 'pg';
import { pause, withSession, withSessions, type DemoServer } from '../session.ts';
import { CARTS } from '../shop.ts';

/** Transactions that were prepared and then forgotten have it as the start of their name. */
const PREPARED = 'payment-';

/** How long everything stands still; VACUUM has its turn in between, so that nothing grows for ever. */
const HELD_UP_MS = 20 * 60_000;

/** Whoever ends the first session, as a finding advises, sees for a while that it helped. */
const RELIEF_MS = 20_000;

/** Beside the three who wait one behind another, so many wait for the first. */
const IMPATIENT = 3;

const TAKE = 'UPDATE products SET stock = stock - 1 WHERE id = $1';

/**
 * A checkout that waits for its payment provider with a transaction open, and those behind it: a chain three deep, and
 * some who want the same product. It holds back VACUUM, as does a payment that was prepared and never ended.
 */
export async function holdUpCheckout(shop: DemoServer, signal: AbortSignal): Promise<void> {
  const login = { user: 'shop_app', database: 'shop', signal };
  await withSession(shop, { ...login, as: 'housekeeping' }, async (client) => {
    await endPrepared(client);
    await renewDeadRows(client);
    await client.query('BEGIN');
    await client.query(TAKE, [4]);
    await client.query(`PREPARE TRANSACTION '${PREPARED}${new Date().toISOString()}'`);
  });
  await withSessions(shop, { ...login, as: 'checkout', count: 4 + IMPATIENT }, async (clients) => {
    const [first, second, third, fourth, ...impatient] = clients;
    if (!first || !second || !third) return;
    // statements that have waited for minutes would be the slowest of all
    for (const client of clients) await client.query('SET pg_stat_statements.track = none');
    for (const [client, product] of [[first, 1] as const, [second, 2] as const, [third, 3] as const]) {
      await client.query('BEGIN');
      await client.query(TAKE, [product]);
    }
    wait(second, 1);
    wait(third, 2);
    wait(fourth, 3);
    for (const client of impatient) wait(client, 1);
    await pause(HELD_UP_MS, signal, first);
  });
  await pause(RELIEF_MS, signal);
}

function wait(client: pg.Client | undefined, product: number): void {
  client?.query(TAKE, [product]).catch(() => undefined);
}

/** They outlive their session, and the server too. */
async function endPrepared(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ gid: string }>(
    'SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND starts_with(gid, $1)',
    [PREPARED],
  );
  for (const { gid } of rows) await client.query(`ROLLBACK PREPARED ${client.escapeLiteral(gid)}`);
}

/** Two dead rows for each cart, give or take; what was dead before is vacuumed, so that the table keeps its size. */
async function renewDeadRows(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ dead: string }>(
    `SELECT n_dead_tup AS dead FROM pg_stat_user_tables WHERE relname = 'carts'`,
  );
  const dead = Number(rows[0]?.dead);
  if (dead > CARTS && dead < 3 * CARTS) return;
  await client.query('VACUUM carts');
  for (let i = 0; i < 2; i++) await client.query(`UPDATE carts SET contents = '{"items": [4, 5]}'`);
}
