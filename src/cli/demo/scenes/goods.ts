import { pause, withSession, type DemoServer } from '../session.ts';
import { GOODS, KEPT_MOVEMENTS } from '../warehouse.ts';

const BETWEEN_MOVEMENTS_MS = 2000;
const MOVEMENTS_BETWEEN_CLEANUPS = 300;

/** Goods come and go. Autovacuum is off on the whole server; a rare VACUUM keeps the tables from growing for ever. */
export async function moveGoods(warehouse: DemoServer, signal: AbortSignal): Promise<void> {
  const login = { user: 'warehouse_app', database: 'warehouse', as: 'scanner', signal };
  await withSession(warehouse, login, async (client) => {
    for (let n = 1; ; n++) {
      const good = 1 + ((n * 31) % GOODS);
      await client.query('INSERT INTO movements (good_id, quantity, moved_at) VALUES ($1, 1, now())', [good]);
      await client.query('UPDATE goods SET quantity = quantity - 1 WHERE id = $1', [good]);
      await client.query('SELECT sum(quantity) FROM movements WHERE good_id = $1', [good]);
      if (n % MOVEMENTS_BETWEEN_CLEANUPS === 0) {
        await client.query(`DELETE FROM movements WHERE id <= (SELECT max(id) - ${KEPT_MOVEMENTS} FROM movements)`);
        await client.query('VACUUM movements, goods');
        await client.query('UPDATE goods SET quantity = 100');
      }
      await pause(BETWEEN_MOVEMENTS_MS, signal);
    }
  });
}
