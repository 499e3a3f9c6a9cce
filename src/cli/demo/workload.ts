import type { DemoFleet } from './demo-fleet.ts';
import type { Scene } from './scene.ts';
import { failToArchive } from './scenes/archive.ts';
import { holdUpCheckout } from './scenes/checkout.ts';
import { serveCustomers } from './scenes/customers.ts';
import { moveGoods } from './scenes/goods.ts';
import { keepAbandonedSlot, letStandbyLag } from './scenes/replication.ts';
import { runReports, runStandbyReports } from './scenes/reports.ts';

/** All that happens in the fleet while the demo is open: some 20 sessions and a few percent of a core. */
export function workloadOf({ shop, standby, warehouse }: DemoFleet): Scene[] {
  return [
    (signal) => holdUpCheckout(shop, signal),
    (signal) => serveCustomers(shop, signal),
    (signal) => runReports(shop, signal),
    (signal) => keepAbandonedSlot(shop, signal),
    (signal) => runStandbyReports(standby, signal),
    (signal) => letStandbyLag(standby, signal),
    (signal) => moveGoods(warehouse, signal),
    (signal) => failToArchive(warehouse, signal),
  ];
}
