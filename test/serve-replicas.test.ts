/** Two processes of `howdah serve` on one store: what is edited, and what callers have used up. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { useReplicas } from './replica-kit.ts';
import { createCaller, createServePlace, post, type ServePlace, type ServeProcess } from './serve-process.ts';
import { useOwnStores } from './store-kit.ts';

const stores = useOwnStores();
const replicas = useReplicas();
const places: ServePlace[] = [];
const running: ServeProcess[] = [];
afterEach(async () => {
  for (const { child, exited } of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  }
  for (const place of places.splice(0)) place.remove();
});

const caller = createCaller('support');
const limits = { calls_per_minute: 100_000, concurrent: 100 };
const LIST_SERVERS = { method: 'tools/call', params: { name: 'list_servers', arguments: {} } };

const toolsAt = async (url: string): Promise<number> => {
  const { body } = await post(url, caller.key, { method: 'tools/list' });
  return (body.result?.['tools'] as unknown[] | undefined)?.length ?? 0;
};

/** When the list at `url` has so many tools. */
async function shows(url: string, count: number): Promise<number> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(5)) {
    if ((await toolsAt(url)) === count) return performance.now();
  }
  throw new Error(`${url} does not show ${count} tools`);
}

it(
  'have an edit in force within a second of it, and hold the limits of a caller together',
  { timeout: 60_000 },
  async () => {
    const database = await stores.make();
    const keyFile = join(database.stateDir, 'store.key');
    writeFileSync(keyFile, database.key, { mode: 0o600 });
    const config = {
      auth: { api_keys: [caller.entry] },
      secrets: { key: { file: keyFile } },
      store: { url: database.url, migrate_url: database.ownerUrl },
    };
    const office = await replicas.start(database, {}, false);
    const set = (allow: string[], more: object = {}) =>
      office.administer('persona_set', {
        name: 'support',
        spec: { roles: ['support'], tools: { allow }, limits: { ...limits, ...more } },
        reason: 'a test',
      });
    await set(['list_servers']);
    for (let i = 0; i < 2; i++) {
      const place = createServePlace(config);
      places.push(place);
      running.push(place.start());
    }
    const urls = await Promise.all(running.map((process) => process.ready()));
    const [first = '', second = ''] = urls;
    const lags: number[] = [];
    for (let i = 0; i < 6; i++) {
      const tools = i % 2 === 0 ? ['list_servers', 'locks'] : ['list_servers'];
      const started = performance.now();
      const seen = Promise.all(urls.map((url) => shows(url, tools.length)));
      await set(tools);
      lags.push(Math.max(...(await seen)) - started);
    }
    console.info(`in force on both ${lags.map((ms) => ms.toFixed(0)).join(', ')} ms after the edit was begun`);
    expect(Math.max(...lags)).toBeLessThan(5000);

    await set(['list_servers'], { calls_per_minute: 60 });
    await sleep(1500);
    // the allowance of before was wider: what is left of it is capped at once
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { body } = await post(i % 2 === 0 ? first : second, caller.key, LIST_SERVERS);
        return body.result?.['isError'] === true || body.error !== undefined ? 'refused' : 'answered';
      }),
    );
    const answered = outcomes.filter((outcome) => outcome === 'answered').length;
    console.info(`${answered} of 200 calls answered`);
    // one more for each second that the calls take
    expect(answered).toBeGreaterThanOrEqual(60);
    expect(answered).toBeLessThan(60 + 15);
  },
);
