import type pg from 'pg';
import { pause, withSession, type DemoServer } from '../session.ts';
import { ABANDONED_SLOT } from '../shop.ts';

const REPLAYS_MS = 45_000;
const LAGS_MS = 15_000;
const RECEIVING_POLL_MS = 100;

/** For a quarter of each minute the standby receives and does not replay. */
export async function letStandbyLag(standby: DemoServer, signal: AbortSignal): Promise<void> {
  await withSession(standby, { user: 'postgres', database: 'postgres', as: 'howdah demo', signal }, async (client) => {
    for (;;) {
      await client.query('SELECT pg_wal_replay_resume()'); // an earlier demo may have been killed meanwhile
      await untilReceiving(client, signal);
      await client.query('SELECT pg_wal_replay_pause()');
      await pause(LAGS_MS, signal);
      await client.query('SELECT pg_wal_replay_resume()');
      await pause(REPLAYS_MS, signal);
    }
  });
}

/** Paused before that, it would not even receive. */
async function untilReceiving(client: pg.Client, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(`SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming'`);
    if (rowCount === 1) return;
    await pause(RECEIVING_POLL_MS, signal);
  }
}

const MOST_RETAINED_BYTES = 128 * 1024 * 1024;
const LEAST_RETAINED_BYTES = 48 * 1024 * 1024;
const BETWEEN_LOOKS_MS = 30_000;

/** A slot that nobody reads from keeps WAL; before it is too much, it moves on. */
export async function keepAbandonedSlot(shop: DemoServer, signal: AbortSignal): Promise<void> {
  await withSession(shop, { user: 'postgres', database: 'postgres', as: 'howdah demo', signal }, async (client) => {
    for (;;) {
      await client.query(
        `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND wal_status = 'lost'`,
        [ABANDONED_SLOT],
      );
      await client.query(
        `SELECT pg_create_physical_replication_slot($1, true)
          WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
        [ABANDONED_SLOT],
      );
      await client.query(
        `SELECT pg_replication_slot_advance(slot_name, pg_current_wal_lsn() - ${LEAST_RETAINED_BYTES}::numeric)
           FROM pg_replication_slots
          WHERE slot_name = $1 AND pg_current_wal_lsn() - restart_lsn > ${MOST_RETAINED_BYTES}`,
        [ABANDONED_SLOT],
      );
      await pause(BETWEEN_LOOKS_MS, signal);
    }
  });
}
