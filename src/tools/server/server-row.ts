import { z } from 'zod';
import type { ReachableServers } from '../../calls/context.ts';
import type { FleetServer } from '../../fleet/fleet.ts';

/** A server of the configuration as it was when Howdah last contacted it. */
export const serverRow = {
  server: z.string(),
  default: z.boolean().describe('Whether calls that name no server go here.'),
  address: z
    .string()
    .describe('User, hosts and, where you may reach it, the database that calls go to unless they name another.'),
  state: z.enum(['unknown', 'reachable', 'unreachable']).describe('Unknown until the first call.'),
  role: z.enum(['primary', 'standby']).nullable(),
  version: z.string().nullable(),
  pooling: z.enum(['session', 'transaction']),
  contacted_at: z.iso.datetime().nullable(),
  problem: z.string().nullable(),
};
export type ServerRow = z.output<z.ZodObject<typeof serverRow>>;

/** A PgBouncer before one of the servers, likewise. */
export const poolerRow = {
  server: z.string(),
  pooler: z.string(),
  address: z.string(),
  state: serverRow.state,
  version: z.string().nullable(),
  contacted_at: z.iso.datetime().nullable(),
  problem: z.string().nullable(),
};
export type PoolerRow = z.output<z.ZodObject<typeof poolerRow>>;

export function describePoolers({ name: server, poolers }: FleetServer): PoolerRow[] {
  return poolers.map((pooler) => {
    const { state, at, version, problem } = pooler.health();
    return {
      server,
      pooler: pooler.name,
      address: pooler.address,
      state,
      version,
      contacted_at: at?.toISOString() ?? null,
      problem,
    };
  });
}

export function describeServer(server: FleetServer, servers: ReachableServers): ServerRow {
  const { state, at, version, inRecovery, problem } = server.health();
  return {
    server: server.name,
    default: server.name === servers.byDefault?.name,
    address: servers.addressOf(server),
    state,
    role: inRecovery === null ? null : inRecovery ? 'standby' : 'primary',
    version,
    pooling: server.pooling,
    contacted_at: at?.toISOString() ?? null,
    problem,
  };
}
