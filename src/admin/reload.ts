import type { AuditLog } from '../audit/event.ts';
import { findChanges, type ConfigChanges } from '../config/changes.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { ErrorCode } from '../contract/error-code.ts';
import { toPlatformError } from '../core/errors.ts';
import { compileCallers as compileKeys, type Callers, type LiveCallers } from '../identity/callers.ts';
import type { LivePolicy } from '../policy/live.ts';
import type { Policy } from '../policy/policy.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface ReloadParts {
  /** With which Howdah was started. */
  readonly config: Config;
  readonly policy: LivePolicy;
  readonly callers: LiveCallers;
  /** Makes who may call of a configuration; of its keys alone where this is left out. */
  readonly compileCallers?: ((config: Config) => Callers) | undefined;
  /**
   * Fails with CONFIG_INVALID for whatever Howdah could not start with. What it resolves with compiles at once, with
   * what else is in force by then.
   */
  readonly compile: (config: Config) => Promise<() => Policy>;
  /** Called with a configuration when it is taken over, in the same turn. */
  readonly onTaken?: ((config: Config) => void) | undefined;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly logger: Logger;
  /** Called with the configuration when the rules are other ones. */
  readonly onChanged: (config: Config) => void;
}

const EVENT = { kind: 'configuration', operation: 'reload' } as const;

/** Reads the configuration with `load`; what changed, or undefined if the old one stays in force. Never rejects. */
export type Reload = (load: () => Promise<LoadedConfig>) => Promise<ConfigChanges | undefined>;

/**
 * Takes over personas and who may call, whole or not at all, and warns of what needs a restart. It counts first and is
 * recorded then: what the audit log says has happened, and a revocation does not wait for a device that fails. No
 * answer by the new rules leaves before the record, which stands before it in the queue of the log.
 */
export function createReload({
  config: started,
  policy,
  callers,
  compileCallers = ({ auth }) => compileKeys(auth),
  compile,
  onTaken,
  audit,
  logger,
  onChanged,
}: ReloadParts): Reload {
  let inForce = started;

  async function apply(load: () => Promise<LoadedConfig>): Promise<ConfigChanges> {
    const { config, warnings, source } = await load();
    const compileNow = await compile(config);
    const next = { policy: compileNow(), callers: compileCallers(config) };
    const { live } = findChanges(inForce, config);
    const { atRestart } = findChanges(started, config);
    const details = { source, policy_version_before: policy.version, changed: live, restart_needed: atRestart };
    policy.replace(next.policy);
    callers.replace(next.callers);
    inForce = config;
    onTaken?.(config);
    // in the same turn: a call by the new rules must not be on record before them
    const recorded = record('OK', details);
    if (live.length > 0) onChanged(config);
    await recorded;
    for (const warning of warnings) logger.warn({}, warning);
    if (atRestart.length > 0) logger.warn({ changed: atRestart }, 'these keys count at the next start');
    return { live, atRestart };
  }

  async function refuse(reason: unknown): Promise<undefined> {
    const error = toPlatformError(reason);
    logger.error({ err: error }, 'the configuration was not taken over; the old one stays in force');
    const problems = error.details?.['problems'] ?? [error.message];
    await record(error.code, { policy_version_before: policy.version, problems });
  }

  /** Under the policy in force. The log keeps what it cannot write yet. */
  async function record(outcome: ErrorCode | 'OK', details: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      await audit.record({ ...EVENT, outcome, policy_version: policy.version, details });
    } catch (unwritable) {
      logger.error({ err: unwritable }, 'the reading of the configuration waits to be written to the audit log');
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
