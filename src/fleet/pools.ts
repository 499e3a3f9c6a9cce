import type { Pool } from '../postgres/pool.ts';
import type { ConnectionTarget } from '../postgres/target.ts';

/** Opens a pool that shares the connections of its server with the others. */
export type OpenPool = (target: ConnectionTarget) => Promise<Pool>;

/** The pools of one login of a server, one for each database. */
export interface Pools {
  /** Opens it at the first use. */
  open(database: string): Promise<Pool>;
  /** Of a database that is not there. */
  forget(database: string): void;
  close(): Promise<void>;
}

/** The driver is loaded with the first pool: it takes a third of the time of a start, and many starts need none of it. */
export function shareConnections(connections: number): OpenPool {
  const driver = once(async () => {
    nameRuntime();
    const { createPermits, openPool } = await import('../postgres/pool.ts');
    const permits = createPermits(connections);
    return (target: ConnectionTarget) => openPool(target, { permits });
  });
  return async (target) => (await driver())(target);
}

export function createPools(target: ConnectionTarget, openPool: OpenPool): Pools {
  const pools = new Map<string, Promise<Pool>>();
  return {
    open(database) {
      const pool = pools.get(database) ?? openPool({ ...target, database });
      pools.set(database, pool);
      return pool;
    },
    forget: (database) => void pools.delete(database),
    close: async () => {
      await Promise.all([...pools.values()].map(async (pool) => (await pool).close()));
    },
  };
}

/**
 * As newer versions of Node do themselves. Where there is no name, `pg` finds out what it runs on by loading all of
 * `fetch`, which takes 15 ms and some 8 MB.
 */
export function nameRuntime(): void {
  if ('navigator' in globalThis) return;
  const [major] = process.versions.node.split('.');
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: `Node.js/${major}` }, configurable: true });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
