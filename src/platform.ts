import { join } from 'node:path';
import { createAdminOperations } from './admin/operations.ts';
import { createReload, type Reload } from './admin/reload.ts';
import type { AuditLog } from './audit/event.ts';
import type { AuditSource } from './admin/audit-source.ts';
import type { ForwardOptions } from './audit/forward.ts';
import { openAuditFile } from './audit/file.ts';
import { createCatalog, type Catalog } from './calls/catalog.ts';
import { createDialogues } from './calls/dialogue.ts';
import type { CallDeps } from './calls/execute.ts';
import { createLimits } from './calls/limits.ts';
import type { Operation } from './calls/operation.ts';
import type { Config } from './config/schema.ts';
import type { Finding } from './contract/finding.ts';
import type { Principal } from './contract/principal.ts';
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
import { describeIdlePersona } from './policy/idle.ts';
import { createLivePolicy } from './policy/live.ts';
import type { Policy } from './policy/policy.ts';
import type { StoreReader } from './audit/store-reader.ts';
import type { Jobs } from './store/jobs.ts';
import type { EmbeddedUse, Store } from './store/open-store.ts';
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
}

/** The one place where parts meet. Connects to no server yet. Fails with CONFIG_INVALID. */
export async function createPlatform(parts: PlatformParts): Promise<Platform> {
  const { config, env, logger, version } = parts;
  const auditDirectory = config.audit.directory ?? join(stateDirectory(env), 'audit');
  const warn = (message: string) => logger.warn({}, message);
  let reader: StoreReader | undefined;
  const source: AuditSource = { directory: auditDirectory, reader: () => reader, operations: () => catalog.operations };
  const wired = wire({ config, env, source, warn });
  const { fleet, catalog } = wired;
  const policy = createLivePolicy(wired.policy);
  const callers = createLiveCallers(compileCallers(config.auth));
  const statementTexts = openStatementTexts();
  const { store, audit, jobs, ...opened } = await openLog(parts);
  ({ reader } = opened);
  const deps = { fleet, policy, limits: createLimits(), dialogues: createDialogues(), audit, statementTexts, logger };
  let door: FrontDoor | undefined;

  /** What the next start would refuse is refused now. */
  async function compile(next: Config): Promise<Policy> {
    await checkTls(next);
    return wire({ config: next, env, source, warn }).policy;
  }

  return {
    config,
    auditDirectory,
    auditSource: source,
    store,
    catalog,
    deps,
    reload: createReload({ config, policy, callers, compile, audit, logger, onChanged: () => door?.listsChanged() }),
    async openHttp({ home } = {}) {
      const { openFrontDoor } = await import('./http/front-door.ts');
      door = await openFrontDoor({ config, catalog, deps, callers, version, home });
      return door;
    },
    close: () =>
      closeInOrder(
        () => door?.drain(),
        () => fleet.close(),
        () => statementTexts.close(),
        () => jobs?.close(),
        () => audit.close(),
        () => store?.close(),
      ),
  };
}

interface Log {
  /** Undefined where only files are kept. */
  readonly store: Store | undefined;
  readonly audit: AuditLog;
  readonly reader: StoreReader | undefined;
  readonly jobs: Jobs | undefined;
}

/** The audit log in the store, or where there is none in a file of this process. */
async function openLog({ config, env, logger, version, embeddedStore = 'none' }: PlatformParts): Promise<Log> {
  const stateDir = stateDirectory(env);
  const directory = config.audit.directory ?? join(stateDir, 'audit');
  const warn = (message: string, error?: unknown) => logger.warn({ err: error }, message);
  const openFile = async (): Promise<Log> => {
    if (config.audit.otlp !== undefined)
      warn('audit.otlp is of no effect: there is no store, and files are not forwarded');
    const audit = await openAuditFile({ directory, version, warn });
    return { store: undefined, audit, reader: undefined, jobs: undefined };
  };
  if (config.store.url === undefined && embeddedStore === 'none') return openFile();
  const { findStore, openStore } = await import('./store/open-store.ts');
  const place = { config, env, stateDir, warn };
  const kind = await findStore(place, embeddedStore);
  if (kind === 'none') return openFile();
  const store = await openStore(place, kind);
  try {
    const [{ openAuditStore }, { openStoreReader }] = await Promise.all([
      import('./audit/store-log.ts'),
      import('./audit/store-reader.ts'),
    ]);
    const { on_unavailable: onUnavailable, spool_limit: spoolLimit } = config.audit;
    const spoolLimitBytes = spoolLimit * 2 ** 20;
    const audit = await openAuditStore({ store, version, onUnavailable, directory, spoolLimitBytes, warn });
    if (store.migrated !== undefined && store.migrated.applied.length > 0) {
      await audit.record({ kind: 'configuration', operation: 'migrate', outcome: 'OK', details: store.migrated });
    }
    const [{ runJobs }, { auditJobs }] = await Promise.all([import('./store/jobs.ts'), import('./audit/jobs.ts')]);
    const forward = await openForward({ config, env, version }, warn);
    const jobs = runJobs(auditJobs({ store, audit, forward }), { connection: store.connect(), warn });
    return { store, audit, reader: openStoreReader(store), jobs };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Where events of the store go as well. A header that cannot be read stops the start. */
async function openForward(
  { config, env, version }: Pick<PlatformParts, 'config' | 'env' | 'version'>,
  warn: (message: string) => void,
): Promise<Omit<ForwardOptions, 'connection'> | undefined> {
  const { otlp } = config.audit;
  if (otlp === undefined) return undefined;
  const { readOtlpHeaders } = await import('./audit/otlp-headers.ts');
  const headers = () => readOtlpHeaders(otlp.headers, env);
  await headers();
  return { url: otlp.logs_url, headers, version, warn };
}

/** Finds what a start would refuse, over stdio or HTTP, and opens nothing. Returns warnings; fails with CONFIG_INVALID. */
export async function checkPlatform({
  config,
  env,
}: Pick<PlatformParts, 'config' | 'env'>): Promise<readonly string[]> {
  const warnings: string[] = [];
  await checkTls(config);
  const source: AuditSource = { directory: '', reader: () => undefined, operations: () => [] };
  wire({ config, env, source, warn: (warning) => warnings.push(warning) });
  return warnings;
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

interface Wiring extends Pick<PlatformParts, 'config' | 'env'> {
  readonly source: AuditSource;
  readonly warn: (message: string) => void;
}

/** All that needs no file, thread or connection. */
function wire({ config, env, source, warn }: Wiring) {
  const fleet = openFleet(configuredServers(config, { env, warn }), config.default_server);
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
    ...createAdminOperations({ audit: source, config }),
  ];
  const catalog: Catalog = createCatalog(operations);
  const policy = compilePolicy(config, operations);
  for (const warning of findIdleCallers(config, policy)) warn(warning);
  return { fleet, catalog, policy };
}

/** Fails with CONFIG_INVALID, which names every pattern that means nothing. */
function compilePolicy(config: Config, operations: readonly Operation[]): Policy {
  const known = { operations, servers: Object.keys(config.servers) };
  return compilePersonas(config.personas, known, narrowingsOf(config.auth.api_keys));
}

/** Who has a persona over HTTP that allows nothing there. */
function findIdleCallers({ auth }: Config, policy: Policy): string[] {
  const callers = auth.api_keys.map((key, i): [string, Principal] => [`auth.api_keys[${i}]`, principalOf(key, i)]);
  if (auth.anonymous) callers.push(['auth.anonymous', anonymousPrincipal(auth.anonymous.persona)]);
  return callers.flatMap(([path, principal]) => describeIdlePersona(path, principal, policy, tools) ?? []);
}
