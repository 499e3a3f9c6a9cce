import { z } from 'zod';
import { commandsOf, defineTool, limitInput, readPoolers } from '../kit/index.ts';
import { judgePools } from './judge-pools.ts';
import { databaseRow, poolerInput, poolerRow, poolRow, type DatabaseRow } from './pool-row.ts';
import { readPools, type Pool } from './pools.ts';

export default defineTool({
  name: 'pgbouncer_pools',
  area: 'pgbouncer',
  title: 'PgBouncer pools',
  description: 'Pools by database and user: connections by state, waits, limits, what is paused.',
  clusterWide: true,
  input: {
    pooler: poolerInput,
    limit: limitInput(),
  },
  seldom: ['pooler'],
  thresholds: {
    // that it grows says first that a pool is too small or its server too slow: https://www.pgbouncer.org/usage.html#show-pools
    max_wait_s: z.number().min(0).default(1).describe('Clients that wait for longer are reported.'),
    // https://www.pgbouncer.org/config.html#max_client_conn
    max_clients_percent: z.number().min(1).max(100).default(80).describe('Report a fuller max_client_conn.'),
  },
  output: {
    rows: z.array(z.object(poolRow)).describe('Those whose clients wait longest first.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    poolers: z.array(z.object(poolerRow)),
    databases: z
      .array(z.object(databaseRow))
      .describe('Those that are paused or disabled, and then those with limits of their own, the fullest first.'),
  },
  statements: commandsOf('pools', 'databases', 'users', 'lists', 'config', 'state'),
  async run({ pooler, limit, ...thresholds }, target, { persona }) {
    const { read, unreadable } = await readPoolers(target, pooler, (session, each) =>
      readPools(session, each, (database) => target.mayShow(database)),
    );
    const pools = read.flatMap((each) => each.pools).toSorted(byNeed);
    const databases = read.flatMap((each) => each.databases.filter(isTold)).toSorted(byFullness);
    // half as many, since pools matter more
    const most = Math.ceil(limit / 2);
    return {
      rows: pools.slice(0, limit).map((pool) => z.object(poolRow).parse(pool)),
      truncated: pools.length > limit,
      total: pools.length,
      poolers: read.map((each) => each.pooler),
      databases: databases.slice(0, most),
      facts: undefined,
      findings: judgePools(read, thresholds),
      not_examined: [
        ...read.flatMap(({ sight }) => sight.told(persona.name)),
        ...unreadable,
        ...(databases.length > most
          ? [
              {
                what: `${databases.length - most} more databases of the poolers`,
                reason: 'The list ends at half the limit.',
              },
            ]
          : []),
      ],
    };
  },
});

function byNeed(a: Pool, b: Pool): number {
  return (
    (b.maxwait_s ?? 0) - (a.maxwait_s ?? 0) ||
    (b.cl_waiting ?? 0) - (a.cl_waiting ?? 0) ||
    (b.sv_active ?? 0) - (a.sv_active ?? 0) ||
    (b.cl_active ?? 0) - (a.cl_active ?? 0)
  );
}

function isTold(row: DatabaseRow): boolean {
  return isStopped(row) || row.max_connections !== null || row.max_clients !== null;
}

function byFullness(a: DatabaseRow, b: DatabaseRow): number {
  return Number(isStopped(b)) - Number(isStopped(a)) || fullnessOf(b) - fullnessOf(a);
}

function isStopped({ paused, disabled }: DatabaseRow): boolean {
  return paused || disabled;
}

function fullnessOf({ connections, max_connections, clients, max_clients }: DatabaseRow): number {
  return Math.max((connections ?? 0) / (max_connections ?? Infinity), (clients ?? 0) / (max_clients ?? Infinity));
}
