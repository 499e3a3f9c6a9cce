import type { Log } from '../audit/open-log.ts';
import type { Config } from '../config/schema.ts';
import type { Principal } from '../contract/principal.ts';
import { PlatformError } from '../core/errors.ts';
import { anonymousPrincipal } from '../identity/anonymous-principal.ts';
import { principalOf } from '../identity/api-keys.ts';
import type { Callers, LiveCallers } from '../identity/callers.ts';
import { describeIdlePersona } from '../policy/idle.ts';
import type { LivePolicy } from '../policy/live.ts';
import type { Policy } from '../policy/policy.ts';
import { NO_STORED_RULES, type StoredRules } from '../policy/stored-rules.ts';
import type { Store } from '../store/open-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { tools } from '../tools/all-tools.ts';
import { createEditLock, type RuleEditor } from './personas/edits.ts';
import { createReload, type Reload } from './reload.ts';
import { followRules, type RuleFollower } from './rule-follower.ts';

/** Makes a policy of the rules of a file and of those of the store. Fails with CONFIG_INVALID. */
type Compile = (file: Config, stored: StoredRules) => Policy;

export interface RulesParts {
  /** With which Howdah was started. */
  readonly config: Config;
  readonly log: Pick<Log, 'audit' | 'store'>;
  readonly policy: LivePolicy;
  readonly callers: LiveCallers;
  readonly compileCallers: (config: Config) => Callers;
  readonly compile: Compile;
  /** Fails with CONFIG_INVALID for whatever Howdah could not start with. */
  readonly prepare: (next: Config) => Promise<Compile>;
  /** Ends the calls under way that the rules do not allow any more. */
  readonly cancel: () => void;
  /** Called with a configuration when it is taken over, in the same turn. */
  readonly onTaken: (config: Config) => void;
  /** What callers may see in lists has changed. */
  readonly onListsChanged: () => void;
  readonly logger: Logger;
}

/** Who may call and what they may do, of the configuration and of the store, as both change. Whoever opens it closes it. */
export interface RulesInForce {
  stored(): StoredRules;
  /** Undefined where only files are kept. */
  readonly editor: RuleEditor | undefined;
  /** Undefined where rules that may be out of date decide as well. */
  readonly isCurrent: (() => boolean) | undefined;
  /** Puts the rules of the store in force. Fails where they cannot be, unless somebody is there who mends them. */
  start(mends: boolean): Promise<void>;
  /** Reads the store and the configuration again; what cannot be read stays in force as it was. */
  readonly reload: Reload;
  close(): void;
}

export function openRules(parts: RulesParts): RulesInForce {
  const { config, logger } = parts;
  const { audit, store } = parts.log;
  const inForce = createInForce(parts);
  const { useStored, onChanged } = inForce;
  const follower = store && followRules({ store, use: useStored, onGrantEnd: onChanged, audit, logger });
  const stored = () => follower?.rules() ?? NO_STORED_RULES;
  const reload = createFileReload(parts, inForce, stored);
  return {
    stored,
    editor: store && follower && createEditor({ ...parts, store, follower, file: inForce.file }),
    isCurrent: config.audit.on_unavailable === 'refuse' && follower ? () => follower.isCurrent() : undefined,
    async start(mends) {
      await follower?.refresh().catch((error: unknown) => {
        if (!mends) throw explainStored(error);
        logger.error({ err: error }, 'the personas of the store do not count now');
      });
      inForce.started();
      if (stored() === NO_STORED_RULES) warnOfRules(parts, config, NO_STORED_RULES);
    },
    async reload(load) {
      await follower?.refresh().catch((error: unknown) => {
        logger.error({ err: error }, 'the personas of the store could not be read again');
      });
      return reload(load);
    },
    close: () => follower?.close(),
  };
}

/** What counts in this process; whatever changes it does so in one turn. */
interface InForce {
  readonly file: () => Config;
  readonly useFile: (next: Config, stored: StoredRules) => void;
  readonly useStored: (rules: StoredRules) => void;
  /** Tells those whom other rules may concern. */
  readonly onChanged: () => void;
  /** From now on, what is taken over is on record. */
  readonly started: () => void;
}

function createInForce(parts: RulesParts): InForce {
  const { policy, compile, cancel, onListsChanged } = parts;
  let file = parts.config;
  let isStarted = false;

  function onChanged(): void {
    if (file.auth.cancel_revoked) cancel();
    onListsChanged();
  }

  return {
    file: () => file,
    useFile(next, stored) {
      file = next;
      warnOfRules(parts, next, stored);
    },
    // it counts first and is recorded then, as a configuration that is read anew
    useStored(rules) {
      const before = policy.version;
      policy.replace(compile(file, rules));
      warnOfRules(parts, file, rules);
      if (!isStarted) return;
      recordTakeOver(parts, before, rules);
      onChanged();
    },
    onChanged,
    started() {
      isStarted = true;
    },
  };
}

function createFileReload(parts: RulesParts, { useFile, onChanged }: InForce, stored: () => StoredRules): Reload {
  const { config, log, policy, callers, compileCallers, prepare, logger } = parts;
  return createReload({
    config,
    policy,
    callers,
    compileCallers,
    async compile(next) {
      const compile = await prepare(next);
      return () => compile(next, stored());
    },
    onTaken(next) {
      parts.onTaken(next);
      useFile(next, stored());
    },
    audit: log.audit,
    logger,
    onChanged,
  });
}

interface EditorParts extends Pick<RulesParts, 'log' | 'compile'>, Pick<RuleEditor, 'file'> {
  readonly store: Store;
  readonly follower: RuleFollower;
}

function createEditor({ store, follower, log, compile, file }: EditorParts): RuleEditor {
  return {
    store,
    audit: log.audit,
    file,
    check: (rules) => compile(file(), rules),
    refresh: () => follower.refresh(),
    alone: createEditLock(store.connect()),
  };
}

function recordTakeOver({ log, policy, logger }: RulesParts, before: string, rules: StoredRules): void {
  const details = { policy_version_before: before, ...describeStored(rules) };
  log.audit
    .record({ kind: 'persona', operation: 'take_over', outcome: 'OK', policy_version: policy.version, details })
    .catch((error: unknown) => logger.error({ err: error }, 'that personas are in force is not on record yet'));
}

function warnOfRules({ policy, logger }: RulesParts, file: Config, rules: StoredRules): void {
  for (const warning of findIdleCallers(file, policy)) logger.warn({}, warning);
  for (const name of findHidden(file, rules)) {
    logger.warn({}, `the persona ${name} of the store does not count: the file has one of that name`);
  }
}

/** Personas of the store that those of the file stand before. */
function findHidden({ personas }: Config, stored: StoredRules): string[] {
  return [...stored.versions.keys()].filter((name) => personas[name] !== undefined);
}

function describeStored({ versions, grants }: StoredRules) {
  return { versions: Object.fromEntries(versions), grants: grants.map(({ id }) => id) };
}

/** A start that the personas of the store prevent must say how to put them right. */
function explainStored(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.code !== 'CONFIG_INVALID') return error;
  return new PlatformError('CONFIG_INVALID', `With the personas of the store, ${error.message}`, {
    hint: 'Change the file, or `howdah persona set` or `remove` the persona: these work while nothing else starts.',
    details: error.details,
  });
}

/** Who has a persona over HTTP that allows nothing there. */
export function findIdleCallers({ auth }: Config, policy: Policy): string[] {
  const callers = auth.api_keys.map((key, i): [string, Principal] => [`auth.api_keys[${i}]`, principalOf(key, i)]);
  if (auth.anonymous) callers.push(['auth.anonymous', anonymousPrincipal(auth.anonymous.persona)]);
  return callers.flatMap(([path, principal]) => describeIdlePersona(path, principal, policy, tools) ?? []);
}
