import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import type { FleetServer } from '../../fleet/fleet.ts';
import type { ReadOnlySession } from '../../postgres/database.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, sql } from '../../postgres/sql.ts';

/** Nothing that was read serves longer: rows and sizes change without a trace, and on a standby so does everything. */
const SERVES_MS = 60_000;
/** On a standby nothing tells of a change. */
const SERVES_ON_STANDBY_MS = 10_000;

/**
 * What tells of a change of the catalogue: how many rows were ever written to its tables.
 * https://www.postgresql.org/docs/current/monitoring-stats.html: sessions report it when they fall idle, within seconds.
 */
export const GENERATION = compile(sql`
  select pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(t.oid) + pg_catalog.pg_stat_get_tuples_updated(t.oid)
                        + pg_catalog.pg_stat_get_tuples_deleted(t.oid))::text as generation
    from (values ('pg_catalog.pg_class'::regclass::oid), ('pg_catalog.pg_attribute'::regclass::oid), ('pg_catalog.pg_description'::regclass::oid),
                 ('pg_catalog.pg_proc'::regclass::oid), ('pg_catalog.pg_namespace'::regclass::oid), ('pg_catalog.pg_enum'::regclass::oid),
                 ('pg_catalog.pg_type'::regclass::oid), ('pg_catalog.pg_constraint'::regclass::oid), ('pg_catalog.pg_inherits'::regclass::oid),
                 ('pg_catalog.pg_rewrite'::regclass::oid), ('pg_catalog.pg_depend'::regclass::oid), ('pg_catalog.pg_trigger'::regclass::oid),
                 ('pg_catalog.pg_policy'::regclass::oid), ('pg_catalog.pg_statistic_ext'::regclass::oid)) t (oid)`);

const shape = compileShape({ generation: z.string() });

export async function readGeneration(session: ReadOnlySession): Promise<string> {
  const [counted] = decodeRows(await session.query(GENERATION, {}), shape);
  return String(counted?.['generation']);
}

/** How long something that was read in this session may serve. */
export function servesMs({ facts }: ReadOnlySession): number {
  return facts.inRecovery ? SERVES_ON_STANDBY_MS : SERVES_MS;
}

const servers = new WeakMap<FleetServer, number>();
let serversSeen = 0;

/** Names the server, the database and the login. */
export function placeKey(
  { server, database }: Pick<ReachedDatabase, 'server' | 'database'>,
  { facts }: ReadOnlySession,
): string {
  const number = servers.get(server) ?? ++serversSeen;
  servers.set(server, number);
  return JSON.stringify([number, database, facts.role.name]);
}
