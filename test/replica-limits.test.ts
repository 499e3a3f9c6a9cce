/** Limits of callers, held over all replicas of a store. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PersonaSpec } from '../src/contract/persona.ts';
import { createSharedLimits } from '../src/calls/shared-limits.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import type { CompiledPersona } from '../src/policy/policy.ts';
import type { Store } from '../src/store/open-store.ts';
import { openQuotas } from '../src/store/quotas.ts';
import { caller } from './replica-kit.ts';
import { useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();

const ada = caller('ada', 'p');
const personaWith = (limits: object): CompiledPersona => {
  const spec = PersonaSpec.parse({ limits: { calls_per_minute: 1e6, concurrent: 1000, ...limits } });
  return compilePersonas({ p: spec }).personaFor(ada) ?? expect.fail('no persona');
};

function limitsOf(store: Store, onUnavailable: 'refuse' | 'spool' = 'refuse') {
  const connection = store.connect({ timeLimitMs: 3000 });
  return createSharedLimits({
    open: (parts) => openQuotas({ ...parts, connection, changes: store.changes, warn: () => undefined }),
    onUnavailable,
  });
}

async function join(database: StoreDatabase, onUnavailable?: 'refuse' | 'spool') {
  const store = await stores.open(database);
  const shared = limitsOf(store, onUnavailable);
  await shared.quotas.join();
  return { ...shared, store };
}

const shared = async (...replicas: { readonly quotas: { areShared(): boolean } }[]) => {
  for (const end = performance.now() + 3000; performance.now() < end; await sleep(10)) {
    if (replicas.every(({ quotas }) => quotas.areShared())) return;
  }
  throw new Error('they do not know of each other');
};
/** How many of them were let through. */
const allowed = async (tries: readonly (void | Promise<unknown> | (() => unknown))[]) =>
  (await Promise.allSettled(tries.map(async (each) => (typeof each === 'function' ? each() : each)))).filter(
    ({ status }) => status === 'fulfilled',
  ).length;

describe('calls of a minute', () => {
  it('are counted by a process that is alone without asking the store', async () => {
    const one = await join(await stores.make());
    expect(one.quotas.areShared()).toBe(false);
    const persona = personaWith({ calls_per_minute: 60 });
    expect(one.limits.count(ada, persona)).toBeUndefined();
    await one.quotas.close();
  });

  it('are as many with two replicas as with one', async () => {
    const database = await stores.make();
    const [one, two] = [await join(database), await join(database)];
    await shared(one, two);
    const persona = personaWith({ calls_per_minute: 60 });
    const start = performance.now();
    const tries = Array.from({ length: 200 }, (_, i) => () => (i % 2 === 0 ? one : two).limits.count(ada, persona));
    expect(await allowed(tries)).toBe(60);
    console.info(`200 calls on two replicas counted in ${(performance.now() - start).toFixed(0)} ms`);
    const failed = await Promise.resolve(two.limits.count(ada, persona)).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'RATE_LIMITED', details: { limit: 'calls_per_minute', value: 60 } });
    expect(await allowed([() => two.limits.count(caller('bob'), persona)])).toBe(1);
    await one.quotas.close();
    await two.quotas.close();
  });

  it('that were made before another replica came count there too', async () => {
    const database = await stores.make();
    const one = await join(database);
    const persona = personaWith({ calls_per_minute: 60 });
    expect(await allowed(Array.from({ length: 50 }, () => () => one.limits.count(ada, persona)))).toBe(50);
    const two = await join(database);
    await shared(one, two);
    await sleep(100);
    const more = await allowed(Array.from({ length: 40 }, () => () => two.limits.count(ada, persona)));
    // the minute goes on while the test runs
    expect(more).toBeGreaterThanOrEqual(10);
    expect(more).toBeLessThanOrEqual(14);
    await two.quotas.close();
    // alone again, but what the other counted is not forgotten
    await sleep(50);
    expect(await allowed(Array.from({ length: 40 }, () => () => one.limits.count(ada, persona)))).toBeLessThanOrEqual(
      4,
    );
    await one.quotas.close();
  });
});

describe('calls under way', () => {
  it('are never more than allowed over all replicas, and those of a replica that is gone are free', async () => {
    const database = await stores.make();
    const persona = personaWith({ concurrent: 4 });
    const one = await join(database);
    const early = await one.limits.occupy(ada, persona);
    const two = await join(database);
    await shared(one, two);
    await sleep(100);
    let most = 0;
    let now = 1;
    let done = 0;
    const work = async (limits: typeof one.limits) => {
      for (let i = 0; i < 20; i++) {
        try {
          const release = await limits.occupy(ada, persona);
          most = Math.max(most, (now += 1));
          await sleep(2);
          now -= 1;
          done += 1;
          release();
        } catch {
          await sleep(1);
        }
      }
    };
    await Promise.all([one, two, one, two, one, two].flatMap(({ limits }) => [work(limits), work(limits)]));
    expect(most).toBeLessThanOrEqual(4);
    expect(done).toBeGreaterThan(10);
    early();
    await sleep(300); // the others hear of it with the next round trip
    const held = await allowed(Array.from({ length: 4 }, () => () => two.limits.occupy(ada, persona)));
    expect(held).toBe(4);
    await expect(one.limits.occupy(ada, persona)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    // as after kill -9: it says nothing any more
    await two.store.close();
    const start = performance.now();
    for (;;) {
      if ((await allowed([() => one.limits.occupy(ada, persona)])) === 1) break;
      expect(performance.now() - start).toBeLessThan(15_000);
      await sleep(50);
    }
    console.info(`places of a dead replica are free after ${(performance.now() - start).toFixed(0)} ms`);
    await one.quotas.close();
  });
});

describe('rows of a day', () => {
  it('are not forgotten by a restart, and add up over replicas', async () => {
    const database = await stores.make();
    const persona = personaWith({ rows_per_day: 100 });
    const first = await join(database);
    expect(await first.limits.spend(ada, persona, 60)).toBe(60);
    await first.quotas.close();
    const [one, two] = [await join(database), await join(database)];
    expect(await one.limits.rowsLeft(ada, persona)).toBe(40);
    const spent = await Promise.all(
      Array.from({ length: 10 }, (_, i) => Promise.resolve((i % 2 ? one : two).limits.spend(ada, persona, 7))),
    );
    expect(spent.reduce((sum, rows) => sum + rows, 0)).toBe(40);
    expect(await two.limits.rowsLeft(ada, persona)).toBe(0);
    await one.quotas.close();
    await two.quotas.close();
  });
});

describe('while the store is away', () => {
  it('a replica that spools counts alone, and one that refuses does not count at all', async () => {
    const database = await stores.make();
    const persona = personaWith({ calls_per_minute: 5, concurrent: 1, rows_per_day: 10 });
    const [one, two] = [await join(database, 'spool'), await join(database)];
    await shared(one, two);
    await Promise.all([one.store.close(), two.store.close()]);
    expect(await allowed(Array.from({ length: 9 }, () => () => one.limits.count(ada, persona)))).toBe(5);
    expect(await one.limits.spend(ada, persona, 20)).toBe(10);
    const release = await one.limits.occupy(ada, persona);
    await expect(one.limits.occupy(ada, persona)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    release();
    await expect(two.limits.count(ada, persona)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(two.limits.spend(ada, persona, 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
