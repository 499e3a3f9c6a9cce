import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import type { Cluster } from './clusters.ts';
import { withSession } from './platform.ts';

async function pidOf(session: pg.Client): Promise<number> {
  const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}

/** Runs `work` with as many sessions as `urls`, and their process ids. */
export async function withSessions(
  urls: readonly string[],
  work: (sessions: pg.Client[], pids: number[]) => Promise<void>,
): Promise<void> {
  const open = async (left: readonly string[], sessions: pg.Client[]): Promise<void> => {
    const [url, ...rest] = left;
    if (url === undefined) return work(sessions, await Promise.all(sessions.map(pidOf)));
    return withSession(url, (session) => open(rest, [...sessions, session]));
  };
  await open(urls, []);
}

/** A statement that waits; what becomes of it does not matter. */
export function startStatement(session: pg.Client | undefined, statement: string): void {
  session?.query(statement).catch(() => undefined);
}

/** Resolves when the session waits for a lock. */
export async function waitingForLock(observer: pg.Client, pid: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++, await sleep(10)) {
    const { rows } = await observer.query('select from pg_locks where pid = $1 and not granted', [pid]);
    if (rows.length > 0) return;
  }
  throw new Error(`session ${pid} does not wait`);
}

/**
 * Registers hooks that let one suite at a time do to a cluster what every other would see: block sessions, pause replay.
 * Nobody waits for the lock itself, since that would be seen too.
 */
export function useClusterAlone(cluster: Cluster): void {
  const guard = new pg.Client(cluster.superuserUrl);
  guard.on('error', () => {}); // the cluster may be stopped under it
  beforeAll(async () => {
    await guard.connect();
    for (let taken = false; !taken; await sleep(50)) {
      const { rows } = await guard.query<{ taken: boolean }>('select pg_try_advisory_lock(7432) as taken');
      taken = rows[0]?.taken === true;
    }
  }, 120_000);
  afterAll(() => guard.end());
}
