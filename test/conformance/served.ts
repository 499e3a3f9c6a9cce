import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config } from '../../src/config/schema.ts';
import type { AuditEvent } from '../../src/contract/audit-event.ts';
import { openFrontDoor } from '../../src/http/front-door.ts';
import { compileCallers } from '../../src/identity/callers.ts';
import { createPlatform, type Platform } from '../../src/platform.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createTestCatalogue } from './catalogue.ts';

/** A Howdah that listens. The suite has no credentials, so that everybody is served. */
export interface Served {
  readonly url: string;
  /** What is in the audit log. */
  events(): readonly AuditEvent[];
  close(): Promise<void>;
}

/** The product as it ships. */
export function serveProduct(databaseUrl: string): Promise<Served> {
  return serve(databaseUrl, (platform) => platform.openHttp());
}

/** The product's listener, policy and audit log over what the suite looks for by name. */
export function serveTestCatalogue(databaseUrl: string): Promise<Served> {
  return serve(databaseUrl, async ({ config, deps }) => {
    const callers = compileCallers(config.auth);
    const catalog = createTestCatalogue(deps.fleet, () => door.listsChanged());
    const door = await openFrontDoor({ config, catalog, deps, callers, version: '0' });
    return door;
  });
}

interface Door {
  readonly url: string;
  drain(): Promise<void>;
}

async function serve(databaseUrl: string, open: (platform: Platform) => Promise<Door>): Promise<Served> {
  const state = mkdtempSync(join(tmpdir(), 'howdah-conformance-state-'));
  const logger = createLogger('error', { isTerminal: false, write: () => {} });
  const platform = await createPlatform({
    config: configOf(databaseUrl),
    env: { HOWDAH_STATE: state },
    logger,
    version: '0',
  });
  const door = await open(platform);
  return {
    url: door.url,
    events: () =>
      readdirSync(platform.auditDirectory)
        .flatMap((file) => readFileSync(join(platform.auditDirectory, file), 'utf8').split('\n'))
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as AuditEvent),
    close: async () => {
      await door.drain();
      await platform.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

function configOf(url: string): Config {
  return Config.parse({
    http: { listen: '127.0.0.1:0' },
    telemetry: { metrics: { listen: 'off' } },
    servers: { shop: { url } },
    default_server: 'shop',
    auth: { anonymous: { persona: 'suite' } },
    personas: { suite: { tools: { allow: ['*'] }, limits: { calls_per_minute: 100_000, concurrent: 100 } } },
  });
}
