import { pause, withSession, type DemoServer } from '../session.ts';
import { KEPT_ORDERS, MOST_VIEWED } from '../shop.ts';

const BETWEEN_REPORTS_MS = 20_000;

/** Statements that are slow, each for a reason of its own. */
export async function runReports(shop: DemoServer, signal: AbortSignal): Promise<void> {
  await withSession(shop, { user: 'shop_app', database: 'shop', as: 'reports', signal }, async (client) => {
    for (let n = 1; ; n++) {
      await client.query('SELECT fraud_score($1)', [n]);
      await client.query(MOST_VIEWED, [1 + (n % 10)]);
      await pause(BETWEEN_REPORTS_MS, signal);
    }
  });
}

/** What is read on the standby, to spare the primary. */
export async function runStandbyReports(standby: DemoServer, signal: AbortSignal): Promise<void> {
  await withSession(standby, { user: 'shop_app', database: 'shop', as: 'reports', signal }, async (client) => {
    for (;;) {
      await client.query('SELECT status, count(*) FROM orders WHERE id > $1 GROUP BY status', [KEPT_ORDERS - 5000]);
      await pause(BETWEEN_REPORTS_MS, signal);
    }
  });
}
