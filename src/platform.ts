import { grantJobs } from './admin/personas/grants.ts';
import type { Reload } from './admin/reload.ts';
import { openRules, type RulesInForce, type RulesParts } from './admin/rules-in-force.ts';
import type { AuditSource } from './admin/audit-source.ts';
import { auditDirectory, openLog, type Log, type LogOptions } from './audit/open-log.ts';
import type { CallersSql } from './calls/callers-database.ts';
import { createMaskKeys } from './calls/mask-key.ts';
import { type Catalog } from './calls/catalog.ts';
import { createDialogues } from './calls/dialogue.ts';
import type { CallDeps } from './calls/execute.ts';
import { createProcessLimits } from './calls/process-limits.ts';
import { createRunningCalls, type RunningCalls } from './calls/running.ts';
import { openSharedLimits, type SharedLimits } from './calls/shared-limits.ts';
import type { Config } from './config/schema.ts';
import type { Finding } from './contract/finding.ts';
import { stateDirectory } from './core/state-directory.ts';
import type { Guard } from './guard/guard.ts';
import type { FrontDoor, FrontDoorParts } from './http/front-door.ts';
import type { HttpServer } from './http/server.ts';
import { compileCallers, createLiveCallers, type LiveCallers } from './identity/callers.ts';
import { createIssuers } from './identity/issuers/issuers.ts';
import type { EmbeddedUse, Store } from './store/open-store.ts';
import type { KeyRing } from './store/key-ring.ts';
import { openKeyRing } from './store/secrets-key.ts';
import { openStatementTexts, type StatementTexts } from './sqltext/statement-texts.ts';
import type { Logger } from './telemetry/logger.ts';
import { checkFiles, createLazyGuard, requireAllowedQueries, wire, withoutStore, type Wiring } from './wiring.ts';

export interface Platform {
  /** With which it was started. */
  readonly config: Config;
  /** Every operation: tools, MCP methods, administration. */
  readonly catalog: Catalog;
  readonly deps: CallDeps;
  readonly auditDirectory: string;
  /** Where the audit log is read. */
  readonly auditSource: AuditSource;
  /** Undefined where only files are kept. */
  readonly store: Store | undefined;
  /** Takes over the personas of a configuration that is read anew, and who may call. */
  readonly reload: Reload;
  /** Serves over HTTP until the platform is closed; to be called once. `home` gives findings for the page at `/`. */
  openHttp(options?: { readonly home?: (() => readonly Finding[]) | undefined }): Promise<HttpServer>;
  /** Lets requests over HTTP finish, stops what else runs, closes every connection and ends the audit file. */
  close(): Promise<void>;
}

export interface PlatformParts {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Of Howdah itself. */
  readonly version: string;
  /** Nothing embedded where it is left out. */
  readonly embeddedStore?: EmbeddedUse | undefined;
  /** In place of that which judges SQL of callers, for tests of what stands behind it. */
  readonly guard?: Guard | undefined;
  /** It starts although the personas of the store cannot be used: it is there to put them right. */
  readonly mendsPersonas?: boolean | undefined;
}

/**
 * The one place where parts meet. Connects to no server of the fleet yet. Fails with CONFIG_INVALID, and as opening the
 * store does.
 */
export async function createPlatform(parts: PlatformParts): Promise<Platform> {
  const { config, env, logger } = parts;
  const stateDir = stateDirectory(env);
  const late = withoutStore(auditDirectory(config, stateDir));
  const wiring: Wiring = { config, env, warn: (message) => logger.warn({}, message), late };
  await requireAllowedQueries(config);
  const keys = await configuredKeys(config, env);
  const wired: Wired = { ...wire(wiring), running: createRunningCalls(), logger };
  const issuers = createIssuers({ publicUrl: config.http.public_url, logger });
  const compileAll = (file: Config) => compileCallers(file.auth, { jwts: issuers.use(file) });
  const callers = createLiveCallers(compileAll(config));
  const embeddedStore = parts.embeddedStore ?? 'none';
  const log = await openLog({ ...parts, stateDir, embeddedStore, moreJobs }).catch(async (error: unknown) => {
    await wired.fleet.close();
    throw error;
  });
  late.store = log.store;
  late.reader = log.reader;
  const counted = log.store && openSharedLimits(log.store, config.audit.on_unavailable, logger);
  let door: FrontDoor | undefined;
  const rules = openRules({
    ...rulesParts(wiring, wired, callers),
    compileCallers: compileAll,
    log,
    onListsChanged: () => door?.listsChanged(),
  });
  late.stored = () => rules.stored();
  late.editor = rules.editor;
  const statementTexts = openStatementTexts();
  const callersSql: CallersSql = {
    guard: parts.guard ?? createLazyGuard(statementTexts),
    maskKeys: createMaskKeys(log.store?.keys ?? keys),
  };
  const opened: Opened = { ...wired, callersSql, log, counted, statementTexts, rules, door: () => door };
  await rules.start(parts.mendsPersonas === true).catch(async (error: unknown) => {
    await closeAll(opened);
    throw error;
  });
  const deps = callDeps(opened);
  const { catalog, auditSource } = wired;
  return {
    config,
    auditDirectory: late.directory,
    auditSource,
    store: log.store,
    catalog,
    deps,
    reload: (load) => rules.reload(load),
    async openHttp({ home } = {}) {
      issuers.start();
      door = await listen({ ...parts, catalog, deps, callers, home }, counted);
      return door;
    },
    close: () => closeAll(opened),
  };
}

/** A key that no store has been opened with. */
function configuredKeys({ secrets }: Config, env: PlatformParts['env']): Promise<KeyRing> | undefined {
  return secrets.key && openKeyRing(secrets, { env, generated: undefined });
}

const moreJobs: LogOptions['moreJobs'] = (store, audit) => grantJobs({ store, audit });

/** What is there before the log is open. */
interface Wired extends ReturnType<typeof wire> {
  readonly running: RunningCalls;
  readonly logger: Logger;
}

function rulesParts(
  wiring: Wiring,
  { policy, compile, useQueries, running, logger }: Wired,
  callers: LiveCallers,
): Omit<RulesParts, 'log' | 'compileCallers' | 'onListsChanged'> {
  return {
    config: wiring.config,
    policy,
    callers,
    compile,
    // what the next start would refuse is refused now
    async prepare(next) {
      await checkFiles({ config: next, env: wiring.env });
      await requireAllowedQueries(next);
      return wire({ ...wiring, config: next }).compile;
    },
    onTaken: useQueries,
    cancel: () => void running.review(policy, (principal) => callers.renew(principal)),
    logger,
  };
}

/** What calls stand on, and what is to be closed. */
interface Opened extends Wired {
  readonly callersSql: CallersSql;
  readonly log: Log;
  /** Undefined where only files are kept. */
  readonly counted: SharedLimits | undefined;
  readonly statementTexts: StatementTexts;
  readonly rules: RulesInForce;
  /** Undefined until Howdah listens. */
  readonly door: () => FrontDoor | undefined;
}

function callDeps(opened: Opened): CallDeps {
  const { fleet, policy, log, counted, statementTexts, callersSql, rules, running, logger } = opened;
  return {
    fleet,
    policy,
    isCurrent: rules.isCurrent,
    limits: counted?.limits ?? createProcessLimits(),
    running,
    dialogues: createDialogues(),
    audit: log.audit,
    statementTexts,
    callersSql,
    logger,
  };
}

function closeAll({ door, counted, fleet, statementTexts, log, rules, logger }: Opened): Promise<void> {
  return closeInOrder(
    () => door()?.drain(),
    () => counted?.quotas.close(),
    () => fleet.close(),
    () => statementTexts.close(),
    () => log.jobs?.close(),
    async () => rules.close(),
    () => log.audit.close(),
    // the last events are in one as well; what stands in the way keeps no process from ending
    () =>
      log.checkpoints?.take().catch((error: unknown) => {
        logger.warn({}, `no last checkpoint was taken: ${String(error)}`);
      }),
    () => log.store?.close(),
  );
}

/** A process counts with the others from the moment that it serves. */
async function listen(options: FrontDoorParts, counted: SharedLimits | undefined): Promise<FrontDoor> {
  await counted?.quotas.join();
  const { openFrontDoor } = await import('./http/front-door.ts');
  return openFrontDoor(options);
}

/** Closes each, whatever became of those before it. Rejects with the first failure. */
async function closeInOrder(...closes: readonly (() => Promise<void> | undefined)[]): Promise<void> {
  const outcomes: PromiseSettledResult<unknown>[] = [];
  for (const close of closes) outcomes.push(...(await Promise.allSettled([close()])));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
