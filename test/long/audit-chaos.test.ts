/** The same as audit-store-chaos.test.ts, with a hundred thousand calls. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { startChaos, type Chaos } from '../audit-chaos.ts';
import { useOwnStores } from '../store-kit.ts';

const CALLS = 100_000;

const stores = useOwnStores();
let chaos: Chaos;
afterEach(() => chaos.stop());

it.each(['refuse', 'spool'] as const)('has every answered call once (%s)', async (mode) => {
  chaos = await startChaos({ server: stores.server, database: await stores.make() }, mode);
  const restartStore = async () => {
    await chaos.killStore();
    await sleep(2000);
    await chaos.startStore();
  };
  const restartServe = async () => {
    await chaos.killServe();
    await chaos.startServe();
  };
  const restartBoth = async () => {
    await chaos.killStore();
    await sleep(2000);
    await chaos.killServe();
    await chaos.startStore();
    await chaos.startServe();
  };
  await chaos.storm(CALLS, restartStore, restartServe, restartBoth, restartStore, restartServe);
  await chaos.check();
  expect(chaos.answered.size).toBeGreaterThanOrEqual(CALLS);
});
