import type { Operation } from '../calls/operation.ts';
import type { Config } from '../config/schema.ts';
import { narrowingsOf } from '../identity/api-keys.ts';
import { compilePersonas } from '../policy/compile.ts';
import { withGrants } from '../policy/grants.ts';
import type { Policy } from '../policy/policy.ts';
import { joinPersonas, type StoredRules } from '../policy/stored-rules.ts';

/** The policy of file and store. Fails with CONFIG_INVALID, which names every pattern that means nothing. */
export function compilePolicy(config: Config, operations: readonly Operation[], stored: StoredRules): Policy {
  const logins = Object.fromEntries(
    Object.entries(config.servers).map(([name, server]) => [name, Object.keys(server.logins)]),
  );
  const known = { operations, servers: Object.keys(config.servers), logins };
  const personas = joinPersonas(config.personas, stored);
  const policy = compilePersonas(personas, known, narrowingsOf(config.auth.api_keys), config.audit);
  return withGrants(policy, stored.grants);
}
