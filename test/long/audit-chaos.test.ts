/** The same as audit-store-chaos.test.ts, with a hundred thousand calls. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startChaos, type Chaos } from '../audit-chaos.ts';
import { startOwnServer, type OwnServer } from '../own-server.ts';
import { useStores } from '../store-kit.ts';

const CALLS = 100_000;

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer({ fsync: 'on' });
});
afterAll(() => server.stop());
const stores = useStores(() => server);
let chaos: Chaos;
afterEach(() => chaos.stop());

it.each(['refuse', 'spool'] as const)('has every answered call once (%s)', async (mode) => {
  chaos = await startChaos({ server, database: await stores.make() }, mode);
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
