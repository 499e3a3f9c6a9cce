import { setTimeout as sleep } from 'node:timers/promises';
import { runAs } from '../postgres/platform.ts';

/**
 * Resolves when the condition holds: what a session did is counted a moment after its end. Each look is a session of its
 * own, since one may go on seeing statistics that it has seen. `work` is done before each look.
 */
export async function untilCounted(url: string, condition: string, work?: () => Promise<unknown>): Promise<void> {
  for (const end = performance.now() + 15_000; ; await sleep(work === undefined ? 20 : 500)) {
    await work?.();
    const [row] = await runAs(url, `select ${condition} as met`);
    if (row?.['met'] === true) return;
    if (performance.now() > end) throw new Error(`After fifteen seconds it is still not true that ${condition}`);
  }
}

/** Resolves when every session that a test ran in the database has ended, and has so reported all that it counted. */
export async function untilReported(url: string): Promise<void> {
  await untilCounted(
    url,
    `not exists (select from pg_stat_activity
                  where datname = current_database() and application_name = '' and backend_type = 'client backend' and pid <> pg_backend_pid())`,
  );
}
