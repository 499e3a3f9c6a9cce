import { comment, gather, quoteIdentifier, quoteLiteral, type Finding } from '../kit/index.ts';
import {
  isHalted,
  judgeClients,
  judgeDatabaseClients,
  judgeHalted,
  judgeState,
  waitSeverity,
  WHEN_DONE,
  type Judged,
  type Thresholds,
} from './judge-poolers.ts';
import type { Pool } from './pools.ts';

const DOCS = 'https://www.pgbouncer.org';

/** Each pooler, pool and database is reported once, for the worst that is the matter with it. */
export function judgePools(poolers: readonly Judged[], thresholds: Thresholds): Finding[] {
  const running = poolers.filter(({ pooler }) => !isHalted(pooler));
  const pools = running.flatMap((each) => each.pools);
  const waiting = pools
    .filter((pool) => isWaiting(pool, thresholds))
    .toSorted((a, b) => (b.maxwait_s ?? 0) - (a.maxwait_s ?? 0));
  const full = pools.filter((pool) => !waiting.includes(pool) && isFull(pool));
  const reserve = pools.filter((pool) => !waiting.includes(pool) && !full.includes(pool) && inReserve(pool) > 0);
  const blamed = new Set(waiting.filter(({ paused }) => paused).map(keyOf));
  const databases = poolers.flatMap((each) => each.databases).filter((database) => !blamed.has(keyOf(database)));
  return [
    ...gather(
      waiting.map((pool) => judgeWait(pool, thresholds)),
      (count) => `Clients wait for a server connection in ${count} pools.`,
    ),
    ...poolers.flatMap((each) => [...judgeState(each, thresholds), ...judgeClients(each.pooler, thresholds)]),
    ...gather(databases.flatMap(judgeHalted), (count) => `${count} databases are paused or disabled.`),
    ...gather(
      databases.flatMap((database) => judgeDatabaseClients(database, thresholds)),
      (count) => `${count} databases have nearly as many clients as they may have.`,
    ),
    ...gather(full.map(judgeFull), (count) => `All server connections are in use in ${count} pools.`),
    ...gather(reserve.map(judgeReserve), (count) => `${count} pools use their reserve.`),
  ];
}

function keyOf({ pooler, database }: Pick<Pool, 'pooler' | 'database'>): string {
  return JSON.stringify([pooler, database]);
}

function isWaiting({ cl_waiting, maxwait_s }: Pool, { max_wait_s }: Thresholds): boolean {
  return (cl_waiting ?? 0) > 0 && (maxwait_s ?? 0) > max_wait_s;
}

function isFull({ sv_active, pool_size }: Pool): boolean {
  return pool_size !== null && pool_size > 0 && (sv_active ?? 0) >= pool_size;
}

/** Cancel requests may have connections of their own beyond the size of the pool. */
function inReserve(pool: Pool): number {
  if (pool.pool_size === null || (pool.reserve_pool_size ?? 0) === 0) return 0;
  return serversOf(pool) - (pool.sv_cancel ?? 0) - pool.pool_size;
}

function serversOf({ sv_active, sv_idle, sv_used, sv_tested, sv_login, sv_cancel }: Pool): number {
  return [sv_active, sv_idle, sv_used, sv_tested, sv_login, sv_cancel].reduce<number>((sum, n) => sum + (n ?? 0), 0);
}

/** What keeps clients waiting, and what can be done about it. */
interface Cause {
  readonly says: string;
  readonly next_step: string;
}

function judgeWait(pool: Pool, thresholds: Thresholds): Finding {
  const { cl_waiting, maxwait_s, database } = pool;
  const { says, next_step } = causeOf(pool);
  const clients = cl_waiting === 1 ? 'A client waits' : `${cl_waiting} clients wait`;
  const time = `${Math.round(maxwait_s ?? 0)} s`;
  return {
    severity: waitSeverity(maxwait_s, thresholds),
    claim: `${clients} for a server connection of ${quoteIdentifier(database)}, ${cl_waiting === 1 ? 'for' : 'the first for'} ${time}${says}.`,
    object: quoteIdentifier(database),
    evidence: evidenceOf(pool),
    why: `${DOCS}/usage.html#show-pools`,
    next_step,
  };
}

function causeOf(pool: Pool): Cause {
  const { database, server_database, paused, sv_active, pool_size, of_database, of_user, user } = pool;
  const name = quoteIdentifier(database);
  if (paused) return { says: '; the database is paused', next_step: `${WHEN_DONE}\nRESUME ${name};` };
  if (isFull(pool)) {
    const all = pool_size === 1 ? 'the only one of the pool is' : `all ${sv_active} of the pool are`;
    return { says: `; ${all} in use`, next_step: lookAt(server_database, `the pool_size of ${name}`) };
  }
  if (isAtLimit(of_database)) {
    const next_step = lookAt(server_database, `the max_db_connections of ${name}`);
    return { says: `; the database has the ${of_database.max} that it may have`, next_step };
  }
  if (isAtLimit(of_user)) {
    const next_step = lookAt(server_database, `the max_user_connections of ${quoteIdentifier(user)}`);
    return { says: `; the user has the ${of_user.max} that it may have`, next_step };
  }
  if (serversOf(pool) === (pool.sv_login ?? 0)) return { says: '; none is open', next_step: NO_CONNECTION };
  return { says: '', next_step: lookAt(server_database, `the pool_size of ${name}`) };
}

function isAtLimit({ used, max }: Pool['of_database']): boolean {
  return used !== null && max !== null && used >= max;
}

/** More connections are no help where those that there are stand idle in a transaction, or where the server has no room. */
function lookAt(serverDatabase: string, limit: string): string {
  return [
    `SELECT pid, usename, application_name, state, xact_start, state_change FROM pg_stat_activity WHERE datname = ${quoteLiteral(serverDatabase)} AND xact_start IS NOT NULL ORDER BY xact_start;`,
    comment(`if these are at work and the server has room for more, raise ${limit} in pgbouncer.ini and RELOAD`),
  ].join('\n');
}

const NO_CONNECTION = [
  '-- the log of PgBouncer says why it gets none; whether the server has room:',
  "SELECT count(*), current_setting('max_connections') FROM pg_stat_activity WHERE backend_type = 'client backend';",
].join('\n');

function evidenceOf(pool: Pool): Finding['evidence'] {
  const { pooler, user, pool_mode, cl_active, cl_waiting, maxwait_s, sv_active, pool_size, reserve_pool_size } = pool;
  const servers = serversOf(pool);
  return {
    pooler,
    user,
    pool_mode,
    cl_waiting,
    maxwait_s,
    cl_active,
    sv_active,
    servers,
    pool_size,
    reserve_pool_size,
  };
}

function judgeFull(pool: Pool): Finding {
  const { database, server_database, sv_active } = pool;
  const name = quoteIdentifier(database);
  const all = sv_active === 1 ? 'The only server connection' : `All ${sv_active} server connections`;
  return {
    severity: 'notice',
    claim: `${all} of a pool of ${name} ${sv_active === 1 ? 'is' : 'are'} in use: the next client waits.`,
    object: name,
    evidence: evidenceOf(pool),
    why: `${DOCS}/config.html#default_pool_size`,
    next_step: lookAt(server_database, `the pool_size of ${name}`),
  };
}

function judgeReserve(pool: Pool): Finding {
  const { database, server_database } = pool;
  const name = quoteIdentifier(database);
  const count = inReserve(pool);
  return {
    severity: 'notice',
    claim: `${count} server ${count === 1 ? 'connection' : 'connections'} of the reserve of ${name} ${count === 1 ? 'is' : 'are'} open: clients had to wait.`,
    object: name,
    evidence: evidenceOf(pool),
    why: `${DOCS}/config.html#reserve_pool_size`,
    next_step: lookAt(server_database, `the pool_size of ${name}`),
  };
}
