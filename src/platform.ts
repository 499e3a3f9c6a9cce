import { join } from 'node:path';
import { createAdminOperations } from './admin/operations.ts';
import { openAuditFile } from './audit/file.ts';
import { createCatalog, type Catalog } from './calls/catalog.ts';
import type { CallDeps } from './calls/execute.ts';
import { createLimits } from './calls/limits.ts';
import type { Operation } from './calls/operation.ts';
import type { Config } from './config/schema.ts';
import { stateDirectory } from './core/state-directory.ts';
import { openFleet, type ServerSpec } from './fleet/open-fleet.ts';
import { createMethods } from './mcp/methods/all-methods.ts';
import { compilePersonas } from './policy/compile.ts';
import { parseTarget } from './postgres/target.ts';
import { openStatementTexts } from './sqltext/statement-texts.ts';
import type { Logger } from './telemetry/logger.ts';
import { tools } from './tools/catalog.gen.ts';

/** A wired Howdah. Whoever made it closes it. */
export interface Platform {
  readonly config: Config;
  /** Every operation: tools, MCP methods, administration. */
  readonly catalog: Catalog;
  readonly deps: CallDeps;
  readonly auditDirectory: string;
  /** Stops what runs, closes every connection and ends the audit file. */
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
  const fleet = openFleet(describeServers(config, env, logger), config.default_server);
  const auditDirectory = config.audit.directory ?? join(stateDirectory(env), 'audit');
  const operations: readonly Operation[] = [
    ...tools,
    ...createMethods({ catalog: () => catalog, fleet }),
    ...createAdminOperations({ auditDirectory, config }),
  ];
  const catalog = createCatalog(operations);
  const policy = compilePersonas(config.personas, { operations, servers: Object.keys(config.servers) });
  const statementTexts = openStatementTexts();
  const audit = await openAuditFile({
    directory: auditDirectory,
    version,
    warn: (message, error) => logger.warn({ err: error }, message),
  });
  return {
    config,
    auditDirectory,
    catalog,
    deps: { fleet, policy, limits: createLimits(), audit, statementTexts, logger },
    close: async () => {
      await Promise.all([fleet.close(), statementTexts.close()]);
      await audit.close();
    },
  };
}

function describeServers(config: Config, env: PlatformParts['env'], logger: Logger): ServerSpec[] {
  const warn = (message: string) => logger.warn({}, message);
  return Object.entries(config.servers).map(([name, { url, password, tls, pooling, databases, connections }]) => ({
    name,
    target: parseTarget(url.reveal(), { env, password, tls, pooling, warn }),
    databases,
    connections,
  }));
}
