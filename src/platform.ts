import { createAdminOperations } from './admin/operations.ts';
import { findMissingData } from './admin/missing-data.ts';
import { createEditLock, type RuleEditor } from './admin/personas/edits.ts';
import { grantJobs } from './admin/personas/grants.ts';
import { createReload, type Reload } from './admin/reload.ts';
import { followRules } from './admin/rule-follower.ts';
import type { AuditSource } from './admin/audit-source.ts';
import { auditDirectory, checkpointFile, openLog } from './audit/open-log.ts';
import { createCatalog, type Catalog } from './calls/catalog.ts';
import { createDialogues } from './calls/dialogue.ts';
import type { CallDeps } from './calls/execute.ts';
import type { Operation } from './calls/operation.ts';
import { createProcessLimits } from './calls/process-limits.ts';
import { createRunningCalls } from './calls/running.ts';
import { createSharedLimits, type SharedLimits } from './calls/shared-limits.ts';
import { loadConfig } from './config/load.ts';
import { createConfigError } from './config/problem.ts';
import type { Config } from './config/schema.ts';
import type { Finding } from './contract/finding.ts';
import type { Principal } from './contract/principal.ts';
import { PlatformError } from './core/errors.ts';
import { stateDirectory } from './core/state-directory.ts';
import { configuredServers } from './fleet/configured-servers.ts';
import { openFleet } from './fleet/open-fleet.ts';
import type { FrontDoor } from './http/front-door.ts';
import type { HttpServer } from './http/server.ts';
import { anonymousPrincipal } from './identity/anonymous-principal.ts';
import { narrowingsOf, principalOf } from './identity/api-keys.ts';
import { compileCallers, createLiveCallers } from './identity/callers.ts';
import { createMethods } from './mcp/methods/all-methods.ts';
import { allPrompts } from './mcp/prompts/all-prompts.ts';
import { allResources } from './mcp/resources/all-resources.ts';
import { compilePersonas } from './policy/compile.ts';
import { withGrants } from './policy/grants.ts';
import { describeIdlePersona } from './policy/idle.ts';
import { createLivePolicy } from './policy/live.ts';
import type { Policy } from './policy/policy.ts';
import { joinPersonas, NO_STORED_RULES, type StoredRules } from './policy/stored-rules.ts';
import type { StoreReader } from './audit/store-reader.ts';
import type { EmbeddedUse, Store } from './store/open-store.ts';
import { openQuotas } from './store/quotas.ts';
import { openStatementTexts } from './sqltext/statement-texts.ts';
import type { Logger } from './telemetry/logger.ts';
import { tools } from './tools/all-tools.ts';
import { createDiagnose } from './tools/diagnose.ts';

/** A wired Howdah. Whoever made it closes it. */
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
  /** It starts although the personas of the store cannot be used: it is there to put them right. */
  readonly mendsPersonas?: boolean | undefined;
}

/**
 * The one place where parts meet. Connects to no server of the fleet yet. Fails with CONFIG_INVALID, and as opening the
 * store does.
 */
export async function createPlatform(parts: PlatformParts): Promise<Platform> {
  const { config, env, logger, version } = parts;
  const stateDir = stateDirectory(env);
  const directory = auditDirectory(config, stateDir);
  const warn = (message: string) => logger.warn({}, message);
  const late = withoutStore(directory);
  const { fleet, catalog, policy, compile, auditSource } = wire({ config, env, warn, late });
  const callers = createLiveCallers(compileCallers(config.auth));
  const statementTexts = openStatementTexts();
  const { store, audit, jobs, checkpoints, reader } = await openLog({
    ...parts,
    stateDir,
    embeddedStore: parts.embeddedStore ?? 'none',
    moreJobs: (opened, log) => grantJobs({ store: opened, audit: log }),
  });
  Object.assign(late, { store, reader });
  const counted = store && shareLimits(store, config, logger);
  const running = createRunningCalls();
  let inForce = config;
  let isStarted = false;
  let door: FrontDoor | undefined;

  /** What the next start would refuse is refused now. */
  async function prepare(next: Config): Promise<() => Policy> {
    await checkTls(next);
    const { compile: compileNext } = wire({ config: next, env, warn, late });
    return () => compileNext(next, late.stored());
  }

  function onChanged({ auth }: Config): void {
    if (auth.cancel_revoked) running.review(policy, (principal) => callers.renew(principal));
    door?.listsChanged();
  }

  /** In one turn: it counts first and is recorded then, as a configuration that is read anew. */
  function useStored(rules: StoredRules): void {
    const before = policy.version;
    policy.replace(compile(inForce, rules));
    warnOfRules(inForce, rules);
    if (!isStarted) return;
    const details = { policy_version_before: before, ...describeStored(rules) };
    audit
      .record({ kind: 'persona', operation: 'take_over', outcome: 'OK', policy_version: policy.version, details })
      .catch((error: unknown) => logger.error({ err: error }, 'that personas are in force is not on record yet'));
    onChanged(inForce);
  }

  function warnOfRules(file: Config, rules: StoredRules): void {
    for (const warning of findIdleCallers(file, policy)) warn(warning);
    for (const name of findHidden(file, rules)) warn(`the persona ${name} of the store does not count: ${HIDDEN}`);
  }

  const follower = store && followRules({ store, use: useStored, onGrantEnd: () => onChanged(inForce), audit, logger });
  if (follower) late.stored = () => follower.rules();
  if (store && follower) {
    late.editor = {
      store,
      audit,
      file: () => inForce,
      check: (rules) => compile(inForce, rules),
      refresh: () => follower.refresh(),
      alone: createEditLock(store.connect()),
    };
  }
  const close = () =>
    closeInOrder(
      () => door?.drain(),
      () => counted?.quotas.close(),
      () => fleet.close(),
      () => statementTexts.close(),
      () => jobs?.close(),
      async () => follower?.close(),
      () => audit.close(),
      // the last events are in one as well; what stands in the way keeps no process from ending
      () => checkpoints?.take().catch((error: unknown) => warn(`no last checkpoint was taken: ${String(error)}`)),
      () => store?.close(),
    );
  await follower?.refresh().catch(async (error: unknown) => {
    if (parts.mendsPersonas === true) return logger.error({ err: error }, 'the personas of the store do not count now');
    await close();
    throw explainStored(error);
  });
  isStarted = true;
  if (late.stored() === NO_STORED_RULES) warnOfRules(config, NO_STORED_RULES);
  const reload = createReload({
    config,
    policy,
    callers,
    compile: prepare,
    onTaken(next) {
      inForce = next;
      warnOfRules(next, late.stored());
    },
    audit,
    logger,
    onChanged,
  });
  const deps: CallDeps = {
    fleet,
    policy,
    isCurrent: config.audit.on_unavailable === 'refuse' && follower ? () => follower.isCurrent() : undefined,
    limits: counted?.limits ?? createProcessLimits(),
    running,
    dialogues: createDialogues(),
    audit,
    statementTexts,
    logger,
  };

  return {
    config,
    auditDirectory: directory,
    auditSource,
    store,
    catalog,
    deps,
    async reload(load) {
      // what the store has is read again too; if it cannot be, what it had stays in force
      await follower?.refresh().catch((error: unknown) => {
        logger.error({ err: error }, 'the personas of the store could not be read again');
      });
      return reload(load);
    },
    async openHttp({ home } = {}) {
      await counted?.quotas.join();
      const { openFrontDoor } = await import('./http/front-door.ts');
      door = await openFrontDoor({ config, catalog, deps, callers, version, home });
      return door;
    },
    close,
  };
}

const HIDDEN = 'the file has one of that name';

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

/** Counted over all replicas once the process is one of them. */
function shareLimits(store: Store, { audit }: Config, logger: Logger): SharedLimits {
  const connection = store.connect({ timeLimitMs: 3000 });
  const warn = (message: string, error: unknown) => logger.warn({ err: error }, message);
  return createSharedLimits({
    open: (parts) => openQuotas({ ...parts, connection, changes: store.changes, warn }),
    onUnavailable: audit.on_unavailable,
  });
}

/** Finds what a start would refuse, over stdio or HTTP, and opens nothing. Returns warnings; fails with CONFIG_INVALID. */
export async function checkPlatform({
  config,
  env,
}: Pick<PlatformParts, 'config' | 'env'>): Promise<readonly string[]> {
  const warnings: string[] = [];
  await checkTls(config);
  const warn = (warning: string) => warnings.push(warning);
  const { policy } = wire({ config, env, warn, late: withoutStore('') });
  return [...warnings, ...findIdleCallers(config, policy)];
}

/** Asks the servers for what the data rules name. Returns warnings of what could not be read; fails with CONFIG_INVALID. */
export async function checkDataRules({
  config,
  env,
  source,
  signal,
}: Pick<PlatformParts, 'config' | 'env'> & { source: string; signal: AbortSignal }): Promise<readonly string[]> {
  const { fleet, policy } = wire({ config, env, warn: () => undefined, late: withoutStore('') });
  try {
    const { problems, unread } = await findMissingData(policy.personas(), fleet, signal);
    if (problems.length > 0) throw createConfigError(source, problems);
    return unread.map(({ place, reason }) => `data rules could not be compared with ${place}: ${reason}`);
  } finally {
    await fleet.close();
  }
}

/** Closes each, whatever became of those before it. Rejects with the first failure. */
async function closeInOrder(...closes: readonly (() => Promise<void> | undefined)[]): Promise<void> {
  const outcomes: PromiseSettledResult<unknown>[] = [];
  for (const close of closes) outcomes.push(...(await Promise.allSettled([close()])));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function checkTls({ http }: Config): Promise<void> {
  if (http.tls) await (await import('./http/tls-files.ts')).readTlsFiles(http.tls);
}

/** What is there only once the store is open. */
interface LateParts {
  /** Of the audit files. */
  readonly directory: string;
  store: Store | undefined;
  reader: StoreReader | undefined;
  editor: RuleEditor | undefined;
  stored: () => StoredRules;
}

function withoutStore(directory: string): LateParts {
  return { directory, store: undefined, reader: undefined, editor: undefined, stored: () => NO_STORED_RULES };
}

interface Wiring extends Pick<PlatformParts, 'config' | 'env'> {
  readonly warn: (message: string) => void;
  readonly late: LateParts;
}

/** All that needs no file, thread or connection. */
function wire({ config, env, warn, late }: Wiring) {
  const fleet = openFleet(configuredServers(config, { env, warn }), config.default_server);
  const auditSource: AuditSource = {
    directory: late.directory,
    reader: () => late.reader,
    operations: () => catalog.operations,
  };
  const operations: readonly Operation[] = [
    ...tools,
    createDiagnose(),
    ...createMethods({
      catalog: () => catalog,
      fleet,
      prompts: allPrompts,
      resources: allResources(() => catalog),
      surface: config.mcp.surface,
    }),
    ...createAdminOperations({
      audit: auditSource,
      config,
      fleet,
      catalog: () => catalog,
      policy: () => policy,
      editor: () => late.editor,
      stored: () => late.stored(),
      async readOther(path) {
        const { config: other } = await loadConfig({ path, env });
        const stored = late.stored();
        const personas = joinPersonas(other.personas, stored);
        return { config: other, personas, policy: compilePolicy(other, operations, stored) };
      },
      store: () => late.store,
      checkpointFile: () => checkpointFile(config, stateDirectory(env)),
    }),
  ];
  const catalog: Catalog = createCatalog(operations);
  const compile = (file: Config, stored: StoredRules) => compilePolicy(file, operations, stored);
  const policy = createLivePolicy(compile(config, late.stored()));
  return { fleet, catalog, policy, compile, auditSource };
}

/** Fails with CONFIG_INVALID, which names every pattern that means nothing. */
function compilePolicy(config: Config, operations: readonly Operation[], stored: StoredRules): Policy {
  const logins = Object.fromEntries(
    Object.entries(config.servers).map(([name, server]) => [name, Object.keys(server.logins)]),
  );
  const known = { operations, servers: Object.keys(config.servers), logins };
  const personas = joinPersonas(config.personas, stored);
  const policy = compilePersonas(personas, known, narrowingsOf(config.auth.api_keys), config.audit);
  return withGrants(policy, stored.grants);
}

/** Who has a persona over HTTP that allows nothing there. */
function findIdleCallers({ auth }: Config, policy: Policy): string[] {
  const callers = auth.api_keys.map((key, i): [string, Principal] => [`auth.api_keys[${i}]`, principalOf(key, i)]);
  if (auth.anonymous) callers.push(['auth.anonymous', anonymousPrincipal(auth.anonymous.persona)]);
  return callers.flatMap(([path, principal]) => describeIdlePersona(path, principal, policy, tools) ?? []);
}
