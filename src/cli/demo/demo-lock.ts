import { PlatformError } from '../../core/errors.ts';
import { openSession, pause, type DemoServer } from './session.ts';

/** An advisory lock of the database `postgres` of the shop: it ends with the session, and so with our process. */
const KEY = '1213159236, 2';
const PATIENCE_MS = 3000;
const POLL_MS = 100;

/**
 * Makes this the only demo on its servers, until the signal aborts. A demo that was killed a moment ago is waited for.
 * Fails with CONFLICT when another one is running.
 */
export async function lockDemo(shop: DemoServer, signal: AbortSignal): Promise<void> {
  const client = await openSession(shop, {
    user: 'postgres',
    database: 'postgres',
    as: `howdah demo, process ${process.pid}`,
    signal,
  });
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>(`SELECT pg_try_advisory_lock(${KEY}) AS locked`);
    if (rows[0]?.locked === true) {
      client.once('end', () => void lockAgain(shop, signal));
      return;
    }
    if (performance.now() > end) break;
    await pause(POLL_MS, signal);
  }
  const { rows } = await client.query<{ holder: string }>(
    `SELECT application_name AS holder FROM pg_stat_activity JOIN pg_locks USING (pid)
      WHERE locktype = 'advisory' AND granted AND (classid, objid) = (${KEY})`,
  );
  await client.end();
  throw new PlatformError('CONFLICT', `Another demo is running on the same data: ${rows[0]?.holder ?? 'unknown'}.`, {
    hint: 'Use that one, stop it with Ctrl-C, or set HOWDAH_STATE to another directory for a second one.',
  });
}

/** The server was restarted under us. */
async function lockAgain(shop: DemoServer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await lockDemo(shop, signal);
    } catch {
      await pause(POLL_MS, signal).catch(() => undefined);
    }
  }
}
