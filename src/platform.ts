import { join } from 'node:path';
import { createAdminOperations } from './admin/operations.ts';
import { createReload, type Reload } from './admin/reload.ts';
import { openAuditFile } from './audit/file.ts';
import { createCatalog, type Catalog } from './calls/catalog.ts';
import { createDialogues } from './calls/dialogue.ts';
import type { CallDeps } from './calls/execute.ts';
import { createLimits } from './calls/limits.ts';
import type { Operation } from './calls/operation.ts';
import type { Config } from './config/schema.ts';
import type { Finding } from './contract/finding.ts';
import { stateDirectory } from './core/state-directory.ts';
import { openFleet, type ServerSpec } from './fleet/open-fleet.ts';
import type { FrontDoor } from './http/front-door.ts';
import type { HttpServer } from './http/server.ts';
import { compileApiKeys, narrowingsOf } from './identity/api-keys.ts';
import { createLiveApiKeys } from './identity/live-api-keys.ts';
import { createMethods } from './mcp/methods/all-methods.ts';
import { allPrompts } from './mcp/prompts/all-prompts.ts';
import { allResources } from './mcp/resources/all-resources.ts';
import { compilePersonas } from './policy/compile.ts';
import { createLivePolicy } from './policy/live.ts';
import type { Policy } from './policy/policy.ts';
import { parseTarget } from './postgres/target.ts';
import { openStatementTexts } from './sqltext/statement-texts.ts';
import type { Logger } from './telemetry/logger.ts';
import { tools } from './tools/catalog.gen.ts';

/** A wired Howdah. Whoever made it closes it. */
export interface Platform {
  /** With which it was started. */
  readonly config: Config;
  /** Every operation: tools, MCP methods, administration. */
  readonly catalog: Catalog;
  readonly deps: CallDeps;
  readonly auditDirectory: string;
  /** Takes over the personas and API keys of a configuration that is read anew. */
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
}

/** The one place where parts meet. Connects to no server yet. Fails with CONFIG_INVALID. */
export async function createPlatform({ config, env, logger, version }: PlatformParts): Promise<Platform> {
  const auditDirectory = config.audit.directory ?? join(stateDirectory(env), 'audit');
  const warn = (message: string) => logger.warn({}, message);
  const wired = wire({ config, env, auditDirectory, warn });
  const { fleet, catalog, compile } = wired;
  const policy = createLivePolicy(wired.policy);
  const keys = createLiveApiKeys(compileApiKeys(config.auth.api_keys));
  const statementTexts = openStatementTexts();
  const audit = await openAuditFile({
    directory: auditDirectory,
    version,
    warn: (message, error) => logger.warn({ err: error }, message),
  });
  const deps = { fleet, policy, limits: createLimits(), dialogues: createDialogues(), audit, statementTexts, logger };
  let door: FrontDoor | undefined;
  return {
    config,
    auditDirectory,
    catalog,
    deps,
    reload: createReload({ config, policy, keys, compile, audit, logger, onChanged: () => door?.listsChanged() }),
    async openHttp({ home } = {}) {
      const { openFrontDoor } = await import('./http/front-door.ts');
      door = await openFrontDoor({ config, catalog, deps, keys, auditDirectory, version, home });
      return door;
    },
    close: async () => {
      await door?.drain();
      await Promise.all([fleet.close(), statementTexts.close()]);
      await audit.close();
    },
  };
}

/** Finds what `createPlatform` would refuse, and opens nothing. Returns warnings; fails with CONFIG_INVALID. */
export function checkPlatform({ config, env }: Pick<PlatformParts, 'config' | 'env'>): readonly string[] {
  const warnings: string[] = [];
  wire({ config, env, auditDirectory: '', warn: (warning) => warnings.push(warning) });
  return warnings;
}

interface Wiring extends Pick<PlatformParts, 'config' | 'env'> {
  readonly auditDirectory: string;
  readonly warn: (message: string) => void;
}

/** All that needs no file, thread or connection. */
function wire({ config, env, auditDirectory, warn }: Wiring) {
  const fleet = openFleet(describeServers(config, env, warn), config.default_server);
  const operations: readonly Operation[] = [
    ...tools,
    ...createMethods({
      catalog: () => catalog,
      fleet,
      prompts: allPrompts,
      resources: allResources(() => catalog),
    }),
    ...createAdminOperations({ auditDirectory, config }),
  ];
  const catalog: Catalog = createCatalog(operations);
  const compile = (from: Config) => compilePolicy(from, operations);
  return { fleet, catalog, compile, policy: compile(config) };
}

/** Fails with CONFIG_INVALID, which names every pattern that means nothing. */
function compilePolicy(config: Config, operations: readonly Operation[]): Policy {
  const known = { operations, servers: Object.keys(config.servers) };
  return compilePersonas(config.personas, known, narrowingsOf(config.auth.api_keys));
}

function describeServers(
  config: Config,
  env: PlatformParts['env'],
  warn: (message: string) => void,
): readonly ServerSpec[] {
  return Object.entries(config.servers).map(([name, { url, password, tls, pooling, databases, connections }]) => ({
    name,
    target: parseTarget(url.reveal(), { env, password, tls, pooling, warn }),
    databases,
    connections,
  }));
}
