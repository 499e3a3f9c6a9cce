import type pg from 'pg';
import { administrator } from '../demo-database.ts';
import { pause, withSession, type DemoServer } from '../session.ts';
import { ARCHIVE_COMMAND } from '../warehouse.ts';

const MOST_WAITING = 6;
const BETWEEN_LOOKS_MS = 60_000;
const ARCHIVING_POLL_MS = 500;
const ENDING_MS = 1000;

/** WAL cannot be archived and stays; before it is too much, it is let go as if it had been. */
export async function failToArchive(warehouse: DemoServer, signal: AbortSignal): Promise<void> {
  try {
    await withSession(warehouse, administrator(signal), async (client) => {
      for (;;) {
        // there is always something to archive
        if ((await countWaiting(client)) === 0) await client.query('SELECT pg_switch_wal()');
        await pause(BETWEEN_LOOKS_MS, signal);
        if ((await countWaiting(client)) <= MOST_WAITING) continue;
        await archiveWith(client, 'true');
        while ((await countWaiting(client)) > 0) await pause(ARCHIVING_POLL_MS, signal);
        await archiveWith(client, ARCHIVE_COMMAND);
      }
    });
  } finally {
    // at its end a server tries three times more, a second apart, unless there is nothing to try
    if (signal.aborted) {
      const end = AbortSignal.timeout(ENDING_MS);
      await withSession(warehouse, administrator(end), (client) => archiveWith(client, ''));
    }
  }
}

async function archiveWith(client: pg.Client, command: string): Promise<void> {
  await client.query(`ALTER SYSTEM SET archive_command = ${client.escapeLiteral(command)}`);
  await client.query('SELECT pg_reload_conf()');
}

/** Segments that are full and not archived. */
async function countWaiting(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ waiting: number }>(
    `SELECT count(*)::integer AS waiting FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'`,
  );
  return rows[0]?.waiting ?? 0;
}
