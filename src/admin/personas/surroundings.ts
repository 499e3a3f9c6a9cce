import type { Catalog } from '../../calls/catalog.ts';
import type { Config } from '../../config/schema.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { Policy } from '../../policy/policy.ts';

/** What operations on personas look at; no server is asked anything. */
export interface Surroundings {
  readonly config: Config;
  readonly fleet: Fleet;
  /** Asked for when an operation runs. */
  readonly catalog: () => Catalog;
  readonly policy: () => Policy;
  /** Reads and checks another configuration as a start would. Fails with CONFIG_INVALID. */
  readonly readOther: (path: string) => Promise<{ readonly config: Config; readonly policy: Policy }>;
}
