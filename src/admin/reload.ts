import type { AuditLog } from '../audit/event.ts';
import { findChanges, type ConfigChanges } from '../config/changes.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { toPlatformError } from '../core/errors.ts';
import { compileApiKeys } from '../identity/api-keys.ts';
import type { LiveApiKeys } from '../identity/live-api-keys.ts';
import type { LivePolicy } from '../policy/live.ts';
import type { Policy } from '../policy/policy.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface ReloadParts {
  /** With which Howdah was started. */
  readonly config: Config;
  readonly policy: LivePolicy;
  readonly keys: LiveApiKeys;
  /** Fails with CONFIG_INVALID. */
  readonly compile: (config: Config) => Policy;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly logger: Logger;
  /** Called when the rules are other ones. */
  readonly onChanged: () => void;
}

const EVENT = { kind: 'configuration', operation: 'reload' } as const;

/** Reads the configuration with `load`; what changed, or undefined if the old one stays in force. Never rejects. */
export type Reload = (load: () => Promise<LoadedConfig>) => Promise<ConfigChanges | undefined>;

/**
 * Takes over personas and API keys, whole or not at all, and warns of what needs a restart. On record before it counts:
 * while the audit log cannot be written no call is answered, so that a key that was to be revoked is of no use then.
 */
export function createReload({
  config: started,
  policy,
  keys,
  compile,
  audit,
  logger,
  onChanged,
}: ReloadParts): Reload {
  let inForce = started;

  async function apply(load: () => Promise<LoadedConfig>): Promise<ConfigChanges> {
    const { config, warnings, source } = await load();
    const next = { policy: compile(config), keys: compileApiKeys(config.auth.api_keys) };
    const { live } = findChanges(inForce, config);
    const { atRestart } = findChanges(started, config);
    await audit.record({
      ...EVENT,
      outcome: 'OK',
      policy_version: next.policy.version,
      details: { source, policy_version_before: policy.version, changed: live, restart_needed: atRestart },
    });
    policy.replace(next.policy);
    keys.replace(next.keys);
    inForce = config;
    for (const warning of warnings) logger.warn({}, warning);
    if (atRestart.length > 0) logger.warn({ changed: atRestart }, 'these keys count at the next start');
    if (live.length > 0) onChanged();
    return { live, atRestart };
  }

  async function refuse(reason: unknown): Promise<undefined> {
    const error = toPlatformError(reason);
    logger.error({ err: error }, 'the configuration was not taken over; the old one stays in force');
    const problems = error.details?.['problems'] ?? [error.message];
    try {
      await audit.record({
        ...EVENT,
        outcome: error.code,
        policy_version: policy.version,
        details: { policy_version_before: policy.version, problems },
      });
    } catch (unwritable) {
      logger.error({ err: unwritable }, 'a refused configuration could not be written to the audit log');
    }
  }

  return oneAtATime((load) => apply(load).catch(refuse));
}

/** Whoever comes while one waits is served by that one: it has not read yet. */
function oneAtATime(run: Reload): Reload {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: ReturnType<Reload> | undefined;
  return (load) => {
    waiting ??= running.then(() => {
      const mine = run(load);
      running = mine;
      waiting = undefined;
      return mine;
    });
    return waiting;
  };
}
