/** `howdah serve` and its store are killed under load: no answered call is missing in the audit log, and none is there twice. */
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startChaos, type Chaos } from './audit-chaos.ts';
import { useOwnStores } from './store-kit.ts';

const CALLS = 2500;
const LIMIT_MS = 240_000;

const stores = useOwnStores();
let chaos: Chaos;
afterEach(() => chaos.stop());

/** How many calls were answered while `work` went on, but for those whose answers were on their way. */
async function answeredDuring(work: () => Promise<void>): Promise<number> {
  await sleep(500);
  const before = chaos.answered.size;
  await work();
  return chaos.answered.size - before;
}

/** That the store is away may take ten seconds to be known: what is left of it can hold a session up. */
async function answersGoOn(): Promise<void> {
  await sleep(500);
  const before = chaos.answered.size;
  await expect.poll(() => chaos.answered.size, { timeout: 15_000, interval: 50 }).toBeGreaterThan(before + 100);
}

describe('the audit log of howdah serve', () => {
  it(
    'has every answered call once, and answers none without the store, which it finds again by itself',
    async () => {
      chaos = await startChaos({ server: stores.server, database: await stores.make() }, 'refuse');
      const restartStore = async () => {
        await chaos.killStore();
        expect(await answeredDuring(() => sleep(1500))).toBe(0);
        await chaos.startStore();
      };
      const restartServe = async () => {
        await chaos.killServe();
        await chaos.startServe();
      };
      await chaos.storm(CALLS, restartServe, restartStore, restartServe, restartStore);
      expect([...chaos.refused.keys()]).toContain('UNAVAILABLE');
      await chaos.check();
    },
    LIMIT_MS,
  );

  it(
    'has every answered call once with a spool, which goes when the store is back, also after serve was killed',
    async () => {
      chaos = await startChaos({ server: stores.server, database: await stores.make() }, 'spool');
      const restartStore = async () => {
        await chaos.killStore();
        await answersGoOn();
        expect(chaos.spools()).toHaveLength(1);
        await chaos.startStore();
        await expect.poll(chaos.spools, { timeout: 60_000, interval: 100 }).toEqual([]);
      };
      const restartBoth = async () => {
        await chaos.killStore();
        await answersGoOn();
        await chaos.killServe();
        await chaos.startStore();
        await chaos.startServe();
      };
      await chaos.storm(CALLS, restartStore, restartBoth, restartStore);
      await chaos.check();
    },
    LIMIT_MS,
  );

  it(
    'is in the embedded store, which is started again when it was killed, and ends with serve',
    async () => {
      chaos = await startChaos('embedded', 'refuse');
      const state = dirname(chaos.place.config);
      await chaos.storm(CALLS, chaos.killStore, async () => {
        await chaos.killServe();
        await chaos.startServe();
      });
      await chaos.check();
      const processes = execFileSync('ps', ['-ww', '-A', '-o', 'args='], { encoding: 'utf8' });
      expect(processes.split('\n').filter((line) => line.includes(` -D ${state}`))).toEqual([]);
    },
    LIMIT_MS,
  );
});
