/** Records an answer of every tool for its reference page: `npm run record` after a change of what answers look like. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderBriefly } from '../../src/render/answer.ts';
import { tools } from '../../src/tools/all-tools.ts';
import { startPgBouncer, type PgBouncer } from '../pgbouncer.ts';
import { useClone } from '../postgres/clone.ts';
import { newestCluster } from '../postgres/each-major.ts';
import { runAs, useHowdah } from '../postgres/platform.ts';
import { startStatement, withSessions } from '../postgres/sessions.ts';
import { untilCounted } from './counted.ts';
import { useHowdahs, withClients } from './poolers.ts';
import { inputFor } from './tool-inputs.ts';

const EXAMPLES = new URL('./examples/', import.meta.url);

/** Names and places of this run alone. */
function withoutPlaces(text: string, database: string): string {
  return text
    .replaceAll(database, 'shop_in_production') // as long, so that columns stay in line
    .replaceAll(/\bclone_[0-9a-f]+\b/g, 'other')
    .replaceAll(/\/(tmp|dev\/shm)\/[\w./-]*/g, '/var/lib/postgresql');
}

describe.runIf(process.env['HOWDAH_RECORD'] !== undefined)('examples of answers', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const behindPooler = useHowdahs();
  let bouncer: PgBouncer;

  beforeAll(async () => {
    bouncer = await startPgBouncer(cluster, {
      users: { stats: 'stats', app: 'app' },
      settings: { stats_users: 'stats' },
      databases: [`shop = $SERVER dbname=${clone().name}`],
    });
    const url = clone().superuserUrl;
    await runAs(url, `set track_functions = 'all'`, `update shop.customers set name = name where id = 1`);
    await untilCounted(url, `exists (select from pg_stat_user_functions where funcname = 'touch')`);
  });
  afterAll(() => bouncer.stop());

  /** A session that does nothing with a row changed, one that waits for it, and VACUUM. */
  function duringAnIncident(work: () => Promise<void>): Promise<void> {
    const url = clone().superuserUrl;
    return withSessions([url, url, url], async ([holder, waiter, vacuum]) => {
      await holder?.query(`begin; update shop.customers set phone = null where id = 7`);
      startStatement(waiter, 'delete from shop.customers where id = 7');
      await vacuum?.query('set vacuum_cost_delay = 100; set vacuum_cost_limit = 1');
      startStatement(vacuum, 'VACUUM bloat.mostly_dead');
      await untilCounted(
        url,
        `exists (select from pg_stat_progress_vacuum) and exists (select from pg_locks where not granted)`,
      );
      await work();
      await runAs(url, 'select pg_cancel_backend(pid) from pg_stat_progress_vacuum');
    });
  }

  it('are recorded', { timeout: 120_000 }, async () => {
    const pooled = await behindPooler({
      url: clone().monitorUrl,
      poolers: { main: bouncer.urlOf('stats', 'pgbouncer') },
    });
    mkdirSync(EXAMPLES, { recursive: true });
    const missing: string[] = [];
    await withClients(bouncer.urlOf('app', 'shop'), ['orders', 'invoices'], () =>
      duringAnIncident(async () => {
        for (const { name, area } of tools) {
          const login = howdah(name === 'hba_rules' ? 'superuser' : 'monitor');
          const outcome = await (area === 'pgbouncer' ? pooled : login).attempt(name, inputFor(name));
          if (!outcome.ok) missing.push(name);
          else {
            const text = renderBriefly(outcome.operation, outcome.output);
            writeFileSync(new URL(`${name}.txt`, EXAMPLES), `${withoutPlaces(text, clone().name)}\n`);
          }
        }
      }),
    );
    expect(missing).toEqual(['recent_statements']); // of an extension that no package brings
  });
});
