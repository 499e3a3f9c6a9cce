import { compileGlobs } from '../core/glob.ts';
import { PlatformError } from '../core/errors.ts';
import type { ConnectionFacts, Database } from '../postgres/database.ts';
import { describeTarget, type ConnectionTarget } from '../postgres/target.ts';
import type { Fleet, FleetServer, Health } from './fleet.ts';
import { openLogin } from './logins.ts';
import { openPooler, type PoolerSpec } from './poolers.ts';
import { createPools, shareConnections } from './pools.ts';
import { createTurns } from './turns.ts';

/** A server as the configuration has it. */
export interface ServerSpec {
  readonly name: string;
  readonly target: ConnectionTarget;
  /** Patterns of the databases that may be reached. */
  readonly databases: readonly string[];
  /** How many connections may be open at once, over all its databases. */
  readonly connections: number;
  /** Where to connect as each of the logins for statements of callers, by name. */
  readonly logins?: Readonly<Record<string, ConnectionTarget>>;
  /** The schemas that names in statements of callers are looked up in; undefined for those of the role. */
  readonly searchPath?: readonly string[] | undefined;
  /** The PgBouncers that stand before it. */
  readonly poolers?: readonly PoolerSpec[];
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

function openServer(spec: ServerSpec): { server: FleetServer; close: () => Promise<void> } {
  const { name, target, databases, connections } = spec;
  const opened = (spec.poolers ?? []).map((pooler) => openPooler(pooler, target.hosts));
  const openPool = shareConnections(connections);
  const pools = createPools(target, openPool);
  // one is left for diagnostics, and for whoever watches what a statement of a caller keeps waiting
  const parts = { openPool, searchPath: spec.searchPath, turns: createTurns(connections - 1) };
  const own = openLogin(target, parts);
  const logins = Object.entries(spec.logins ?? {}).map(([login, at]) => [login, openLogin(at, parts)] as const);
  const offered = compileGlobs(databases);
  const health = watchHealth(target.database);

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
          health.failed(error, databaseName);
          if (error instanceof PlatformError && error.code === 'NOT_FOUND') pools.forget(databaseName);
          throw error;
        }
      },
    };
  }

  const server: FleetServer = {
    name,
    defaultDatabase: target.database,
    address: describeTarget(target),
    pooling: target.pooling,
    offers: offered,
    database,
    logins: new Map(logins.map(([login, { fleetLogin }]) => [login, fleetLogin])),
    ownLogin: own.fleetLogin,
    health: health.now,
    poolers: opened.map(({ pooler }) => pooler),
  };
  const close = async () => {
    const all = [pools, own, ...logins.map(([, login]) => login), ...opened];
    await Promise.all(all.map((each) => each.close()));
  };
  return { server, close };
}

function watchHealth(defaultDatabase: string): {
  now: () => Health;
  reached: (facts: ConnectionFacts) => void;
  failed: (error: unknown, database: string) => void;
} {
  let health: Health = { state: 'unknown', at: null, problem: null, version: null, inRecovery: null };
  return {
    now: () => health,
    reached: ({ version, inRecovery }) => {
      health = { state: 'reachable', at: new Date(), problem: null, version, inRecovery };
    },
    failed: (error, database) => {
      if (!(error instanceof PlatformError) || error.code !== 'SERVER_UNREACHABLE') return;
      // a server that refuses one of its other databases has answered
      if (database !== defaultDatabase && error.details?.['sqlstate'] !== undefined) return;
      health = { ...health, state: 'unreachable', at: new Date(), problem: error.message };
    },
  };
}
