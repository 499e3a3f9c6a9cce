import { compilePolicy } from './admin/configured-policy.ts';
import { createAdminOperations } from './admin/operations.ts';
import type { RuleEditor } from './admin/personas/edits.ts';
import type { AuditSource } from './admin/audit-source.ts';
import { checkpointFile } from './audit/open-log.ts';
import { createLiveCatalog, type LiveCatalog } from './calls/catalog.ts';
import type { Operation } from './calls/operation.ts';
import { loadConfig } from './config/load.ts';
import { createConfigError } from './config/problem.ts';
import type { Config } from './config/schema.ts';
import { stateDirectory } from './core/state-directory.ts';
import { configuredServers } from './fleet/configured-servers.ts';
import { openFleet } from './fleet/open-fleet.ts';
import type { Guard } from './guard/guard.ts';
import { createMethods } from './mcp/methods/all-methods.ts';
import { allPrompts } from './mcp/prompts/all-prompts.ts';
import { allResources } from './mcp/resources/all-resources.ts';
import { createLivePolicy } from './policy/live.ts';
import { joinPersonas, NO_STORED_RULES, type StoredRules } from './policy/stored-rules.ts';
import type { StoreReader } from './audit/store-reader.ts';
import type { Store } from './store/open-store.ts';
import { openStatementTexts, type StatementTexts } from './sqltext/statement-texts.ts';
import { tools } from './tools/all-tools.ts';
import { createDiagnose } from './tools/diagnose.ts';
import { findQueryProblems, findRefusedQueries } from './tools/sql/query-problems.ts';
import { createSavedQueries } from './tools/sql/saved-query.ts';

/** What all that can be wired without a store is made of. */
export interface Surroundings {
  readonly config: Config;
  /** Of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Fails with CONFIG_INVALID, which names every saved query that the guard refuses whoever calls it. */
export async function requireAllowedQueries({ queries }: Config): Promise<void> {
  if (Object.keys(queries).length === 0) return;
  // nobody waits for an answer, and a machine that is busy starting must not keep Howdah from it
  const texts = openStatementTexts({ textMs: 10_000 });
  try {
    const problems = await findRefusedQueries(queries, createLazyGuard(texts));
    if (problems.length > 0) throw createConfigError('the configuration', problems);
  } finally {
    await texts.close();
  }
}

/** Its lists are loaded with the first statement that it judges: many starts need none. */
export function createLazyGuard(texts: StatementTexts): Guard {
  let guard: Promise<Guard> | undefined;
  return {
    async check(request) {
      guard ??= import('./guard/create-guard.ts').then(({ createGuard }) => createGuard(texts));
      return (await guard).check(request);
    },
  };
}

/** Reads what a start reads beside the configuration, and makes nothing. Fails with CONFIG_INVALID. */
export async function checkFiles({ config, env }: Surroundings): Promise<void> {
  const { http, store, secrets, audit } = config;
  if (http.tls) await (await import('./http/tls-files.ts')).readTlsFiles(http.tls);
  if (store.url === undefined && !store.embedded) return;
  await (await import('./store/secrets-key.ts')).readKeys(secrets, env);
  if (audit.otlp) await (await import('./audit/otlp-headers.ts')).readOtlpHeaders(audit.otlp.headers, env);
}

/** What is there only once the store is open. */
export interface LateParts {
  /** Of the audit files. */
  readonly directory: string;
  store: Store | undefined;
  reader: StoreReader | undefined;
  editor: RuleEditor | undefined;
  stored: () => StoredRules;
}

export function withoutStore(directory: string): LateParts {
  return { directory, store: undefined, reader: undefined, editor: undefined, stored: () => NO_STORED_RULES };
}

export interface Wiring extends Surroundings {
  readonly warn: (message: string) => void;
  readonly late: LateParts;
}

/** All that needs no file, thread or connection. */
export function wire({ config, env, warn, late }: Wiring) {
  const fleet = openFleet(configuredServers(config, { env, warn }), config.default_server);
  const auditSource: AuditSource = {
    directory: late.directory,
    reader: () => late.reader,
    operations: () => catalog.operations,
  };
  const fixed: readonly Operation[] = [
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
        return { config: other, personas, policy: compile(other, stored) };
      },
      store: () => late.store,
      checkpointFile: () => checkpointFile(config, stateDirectory(env)),
    }),
  ];
  requireQueries(config, fixed);
  const withQueries = ({ queries }: Pick<Config, 'queries'>) => [...fixed, ...createSavedQueries(queries)];
  const catalog: LiveCatalog = createLiveCatalog(withQueries(config));
  const compile = (file: Config, stored: StoredRules) => compilePolicy(file, withQueries(file), stored);
  const useQueries = (file: Config) => catalog.replace(withQueries(file));
  const policy = createLivePolicy(compile(config, late.stored()));
  return { fleet, catalog, policy, compile, useQueries, auditSource };
}

/** Fails with CONFIG_INVALID, which names every problem. */
function requireQueries(config: Config, operations: readonly Operation[]): void {
  const taken = operations.flatMap(({ name, alsoKnownAs }) => [name, ...Object.keys(alsoKnownAs)]);
  const problems = findQueryProblems(config, new Set(taken));
  if (problems.length > 0) throw createConfigError('the configuration', problems);
}
