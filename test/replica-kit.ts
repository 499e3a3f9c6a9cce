/** Platforms that share a store, in this process, and calls on them. */
import { afterEach } from 'vitest';
import { executeCall, type CallOutcome } from '../src/calls/execute.ts';
import type { Config } from '../src/config/schema.ts';
import type { Principal } from '../src/contract/principal.ts';
import { createApiKey } from '../src/identity/api-key.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createPlatform, type Platform } from '../src/platform.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import type { StoreDatabase } from './store-kit.ts';

export const key = createApiKey();

/** A caller with a credential. */
export const caller = (subject: string, ...roles: string[]): Principal => ({
  issuer: 'key',
  subject,
  method: 'api_key',
  client: null,
  roles,
});

export interface Replica {
  readonly platform: Platform;
  /** What it logged. */
  log(): string;
  call(principal: Principal, name: string, given?: object): Promise<CallOutcome>;
  /** As the local administrator; gives the answer or throws. */
  administer(name: string, given: object): Promise<Readonly<Record<string, unknown>>>;
}

export function useReplicas(): {
  start(database: StoreDatabase, more?: Record<string, unknown>, served?: boolean): Promise<Replica>;
} {
  const running: Platform[] = [];
  afterEach(async () => {
    for (const platform of running.splice(0)) await platform.close();
  });
  return {
    async start(database, more = {}, served = true) {
      let log = '';
      const logger = createLogger('warn', { isTerminal: false, write: (line) => void (log += line) });
      const config = replicaConfig(database, more);
      const platform = await createPlatform({ config, env: database.env, logger, version: '0' });
      running.push(platform);
      if (served) await platform.openHttp();
      const call: Replica['call'] = (principal, name, given = {}) =>
        executeCall(
          {
            catalog: platform.catalog,
            name,
            arguments: given,
            principal,
            origin: { transport: 'http' },
            signal: new AbortController().signal,
          },
          platform.deps,
        );
      return {
        platform,
        log: () => log,
        call,
        async administer(name, given) {
          const outcome = await call(localPrincipal('admin', 'tester'), name, given);
          if (!outcome.ok) throw outcome.error;
          return outcome.output;
        },
      };
    },
  };
}

export function replicaConfig(database: StoreDatabase, more: Record<string, unknown> = {}): Config {
  return database.config({
    http: { listen: '127.0.0.1:0' },
    telemetry: { metrics: { listen: 'off' } },
    auth: { api_keys: [{ id: key.id, hash: key.hash, roles: ['support'] }] },
    ...more,
  });
}
