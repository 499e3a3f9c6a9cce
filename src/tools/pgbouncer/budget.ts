import type { ConsoleRow } from '../../postgres/console-rows.ts';
import { groupBy } from './groups.ts';
import { poolSizeOf } from './pools.ts';
import type { BudgetRow } from './setting-row.ts';
import type { DatabaseEntry, UserEntry } from './views.ts';

/** What one pooler tells of its databases and of who uses them. */
export interface Configured {
  readonly pooler: string;
  readonly databases: ReadonlyMap<string, DatabaseEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly config: ReadonlyMap<string, string | null>;
  readonly pools: readonly ConsoleRow[];
  readonly servers: readonly ConsoleRow[];
}

/** Where a pooler opens connections to, and what it may open there. */
export interface Budget extends BudgetRow {
  /** Sessions of the server there, as far as there are any; the names are those of the server. */
  readonly sessions: readonly { readonly pid: number; readonly database: string }[];
  readonly of: readonly DatabaseEntry[];
}

/** One for each address that the pooler connects to; which of them is the server, another has to tell. */
export function budgetsOf(configured: Configured): Budget[] {
  const byAddress = groupBy([...configured.databases.values()], ({ host, port }) => JSON.stringify([host, port]));
  return [...byAddress.values()].map((databases) => budgetOf(configured, databases));
}

function budgetOf(configured: Configured, databases: readonly DatabaseEntry[]): Budget {
  const pools = databases.flatMap((database) => poolsOf(configured, database));
  const open = pools.filter(({ isOpen }) => isOpen);
  const [first] = databases;
  return {
    pooler: configured.pooler,
    host: first?.host ?? null,
    port: first?.port ?? null,
    databases: databases.length,
    pools: open.length,
    possible: possibleOf(open),
    possible_all: possibleOf(pools),
    this_server: null,
    sessions: databases.flatMap((database) => sessionsOf(configured, database)),
    of: databases,
  };
}

interface PossiblePool {
  readonly database: DatabaseEntry;
  readonly user: UserEntry | undefined;
  readonly size: number;
  /** Somebody has come for it. */
  readonly isOpen: boolean;
}

function poolsOf({ pools, users, config }: Configured, database: DatabaseEntry): PossiblePool[] {
  const named = pools.filter((pool) => pool.text('database') === database.name).map((pool) => pool.text('user') ?? '');
  const owners = named.length > 0 ? named : [database.forceUser ?? ''];
  return owners.map((owner) => {
    const user = users.get(owner);
    const { size, reserve } = poolSizeOf(user, database, config);
    return { database, user, size: (size ?? 0) + (reserve ?? 0), isOpen: named.length > 0 };
  });
}

function possibleOf(pools: readonly PossiblePool[]): number {
  return Math.min(
    capped(pools, ({ database }) => [database.name, database.maxConnections]),
    capped(pools, ({ user }) => [user?.name ?? '', user?.maxConnections ?? null]),
  );
}

/** The sum of the sizes, where those that share a limit count no more than it; what has no limit is null. */
function capped(
  pools: readonly PossiblePool[],
  limitOf: (pool: PossiblePool) => readonly [name: string, max: number | null],
): number {
  const groups = groupBy(pools, (pool) => limitOf(pool)[0]);
  return [...groups.values()].reduce((sum, group) => {
    const size = group.reduce((all, pool) => all + pool.size, 0);
    const max = group[0] ? limitOf(group[0])[1] : null;
    return sum + (max === null ? size : Math.min(size, max));
  }, 0);
}

function sessionsOf({ servers }: Configured, { name, serverDatabase }: DatabaseEntry): Budget['sessions'] {
  return servers.flatMap((server) => {
    const pid = server.text('database') === name ? server.integer('remote_pid') : null;
    return pid ? [{ pid, database: serverDatabase }] : [];
  });
}

/**
 * Tells which budgets are those of the server that was asked: the only one that there is, or those whose sessions it
 * has; `pids` are those that it knows under the name of their database. Where it knows none, nothing can be told: a
 * pooler in a container may have other numbers for processes.
 */
export function markServer(budgets: readonly Budget[], pids: ReadonlySet<number>): Budget[] {
  const isAlone = new Set(budgets.map(({ host, port }) => JSON.stringify([host, port]))).size === 1;
  const known = budgets.filter(({ sessions }) => sessions.some(({ pid }) => pids.has(pid)));
  return budgets.map((budget) => {
    if (isAlone || known.includes(budget)) return { ...budget, this_server: true };
    return { ...budget, this_server: known.length === 0 || budget.sessions.length === 0 ? null : false };
  });
}
