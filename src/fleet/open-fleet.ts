import type { Deadline } from '../core/deadline.ts';
import { compileGlobs } from '../core/glob.ts';
import { PlatformError } from '../core/errors.ts';
import type { ConnectionFacts, Database } from '../postgres/database.ts';
import { describeTarget, type ConnectionTarget } from '../postgres/target.ts';
import { readExtensions, type Extensions } from './extensions.ts';
import type { Fleet, FleetServer, Health } from './fleet.ts';
import { createPools } from './pools.ts';

/** An extension that was created elsewhere is seen after this long at the latest. */
const EXTENSIONS_KEPT_MS = 60_000;

/** A server as the configuration has it. */
export interface ServerSpec {
  readonly name: string;
  readonly target: ConnectionTarget;
  /** Patterns of the databases that may be reached. */
  readonly databases: readonly string[];
  /** How many connections may be open at once, over all its databases. */
  readonly connections: number;
}

/** Connects to nothing yet: each pool opens at its first use. */
export function openFleet(specs: readonly ServerSpec[], defaultServer: string | undefined): Fleet {
  const opened = specs.map(openServer);
  const servers = new Map(opened.map(({ server }) => [server.name, server]));
  return {
    servers: [...servers.values()],
    defaultServer,
    server: (name) => servers.get(name),
    close: async () => {
      await Promise.all(opened.map(({ close }) => close()));
    },
  };
}

function openServer({ name, target, databases, connections }: ServerSpec): {
  server: FleetServer;
  close: () => Promise<void>;
} {
  const pools = createPools(target, connections);
  const known = new Map<string, { readonly at: number; readonly extensions: Extensions }>();
  const offered = compileGlobs(databases);
  const health = watchHealth();

  function database(databaseName: string): Database {
    return {
      readOnly: async (options, work) => {
        try {
          const pool = await pools.open(databaseName);
          return await pool.readOnly(options, (session) => {
            health.reached(session.facts);
            return work(session);
          });
        } catch (error) {
          health.failed(error);
          if (error instanceof PlatformError && error.code === 'NOT_FOUND') pools.forget(databaseName);
          throw error;
        }
      },
    };
  }

  async function extensions(databaseName: string, deadline: Deadline, fresh = false): Promise<Extensions> {
    const last = known.get(databaseName);
    if (last && !fresh && performance.now() - last.at < EXTENSIONS_KEPT_MS) return last.extensions;
    const read = await readExtensions(database(databaseName), deadline);
    known.set(databaseName, { at: performance.now(), extensions: read });
    return read;
  }

  const server: FleetServer = {
    name,
    defaultDatabase: target.database,
    address: describeTarget(target),
    pooling: target.pooling,
    offers: offered,
    database,
    extensions,
    health: health.now,
  };
  return { server, close: pools.close };
}

function watchHealth(): {
  now: () => Health;
  reached: (facts: ConnectionFacts) => void;
  failed: (error: unknown) => void;
} {
  let health: Health = { state: 'unknown', at: null, problem: null, version: null, inRecovery: null };
  return {
    now: () => health,
    reached: ({ version, inRecovery }) => {
      health = { state: 'reachable', at: new Date(), problem: null, version, inRecovery };
    },
    failed: (error) => {
      if (!(error instanceof PlatformError) || error.code !== 'SERVER_UNREACHABLE') return;
      health = { ...health, state: 'unreachable', at: new Date(), problem: error.message };
    },
  };
}
