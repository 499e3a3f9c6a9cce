import type { Catalog } from '../../calls/catalog.ts';
import type { Config } from '../../config/schema.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { Policy } from '../../policy/policy.ts';
import type { StoredRules } from '../../policy/stored-rules.ts';
import type { RuleEditor } from './edits.ts';

/** What operations on personas look at; no server is asked anything. */
export interface Surroundings {
  readonly config: Config;
  readonly fleet: Fleet;
  /** Asked for when an operation runs. */
  readonly catalog: () => Catalog;
  readonly policy: () => Policy;
  /** Undefined where only files are kept. */
  readonly editor: () => RuleEditor | undefined;
  /** What is in force of the store. */
  readonly stored: () => StoredRules;
  /** Reads and checks another configuration as a start would, with what the store has. Fails with CONFIG_INVALID. */
  readonly readOther: (path: string) => Promise<{
    readonly config: Config;
    readonly personas: Config['personas'];
    readonly policy: Policy;
  }>;
}
