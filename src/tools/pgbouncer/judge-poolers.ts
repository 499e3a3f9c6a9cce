import { comment, quoteIdentifier, type Finding } from '../kit/index.ts';
import { largest } from './groups.ts';
import type { DatabaseRow, PoolerRow } from './pool-row.ts';
import type { PoolerPools } from './pools.ts';

const DOCS = 'https://www.pgbouncer.org';

/** Beyond so many times the threshold, clients do not get their work done. */
const CRITICAL_WAIT = 10;
/** Nearly nobody gets in any more. */
const SATURATED_PERCENT = 95;

export interface Thresholds {
  readonly max_wait_s: number;
  readonly max_clients_percent: number;
}

export type Judged = Pick<PoolerPools, 'pooler' | 'pools' | 'databases'>;

export const WHEN_DONE = comment('on the console, when what it was stopped for is done');

export function isHalted({ state }: PoolerRow): boolean {
  return state === 'paused' || state === 'suspended';
}

export function waitSeverity(maxwait_s: number | null, { max_wait_s }: Thresholds): Finding['severity'] {
  return (maxwait_s ?? 0) > CRITICAL_WAIT * max_wait_s ? 'critical' : 'warning';
}

export function judgeState({ pooler: row, pools }: Judged, thresholds: Thresholds): Finding[] {
  if (!isHalted(row)) return [];
  const { pooler, state } = row;
  const waiting = pools.reduce((sum, { cl_waiting }) => sum + (cl_waiting ?? 0), 0);
  const longest_wait_s = largest(pools.map(({ maxwait_s }) => maxwait_s));
  return [
    {
      severity: waitSeverity(longest_wait_s, thresholds),
      claim: `The PgBouncer ${quoteIdentifier(pooler)} is ${state}: nobody gets a server connection.`,
      object: quoteIdentifier(pooler),
      evidence: { state, waiting, longest_wait_s },
      why: `${DOCS}/usage.html#pause-db`,
      next_step: `${WHEN_DONE}\nRESUME;`,
    },
  ];
}

export function judgeClients({ pooler, clients, max_client_conn }: PoolerRow, thresholds: Thresholds): Finding[] {
  const percent = percentOf(clients, max_client_conn);
  if (percent === null || percent < thresholds.max_clients_percent) return [];
  return [
    {
      severity: percent >= SATURATED_PERCENT ? 'critical' : 'warning',
      claim: `The PgBouncer ${quoteIdentifier(pooler)} has ${percent} % of the clients that it lets in.`,
      object: quoteIdentifier(pooler),
      evidence: { clients, max_client_conn },
      why: `${DOCS}/config.html#max_client_conn`,
      next_step: `SHOW CLIENTS; -- on the console\n${comment('if they are honest, raise max_client_conn in pgbouncer.ini, and the limit of open files with it, and RELOAD')}`,
    },
  ];
}

export function judgeDatabaseClients(row: DatabaseRow, thresholds: Thresholds): Finding[] {
  const { pooler, database, clients, max_clients } = row;
  const percent = percentOf(clients, max_clients);
  if (percent === null || percent < thresholds.max_clients_percent) return [];
  return [
    {
      severity: percent >= SATURATED_PERCENT ? 'critical' : 'warning',
      claim: `${quoteIdentifier(database)} has ${percent} % of the clients that PgBouncer lets in.`,
      object: quoteIdentifier(database),
      evidence: { pooler, clients, max_clients },
      why: `${DOCS}/config.html#max_db_client_connections`,
      next_step: `SHOW CLIENTS; -- on the console\n${comment('if they are honest, raise its max_db_client_connections in pgbouncer.ini and RELOAD')}`,
    },
  ];
}

export function judgeHalted({ pooler, database, paused, disabled }: DatabaseRow): Finding[] {
  if (!paused && !disabled) return [];
  const name = quoteIdentifier(database);
  return [
    {
      severity: 'warning',
      claim: paused
        ? `${name} is paused: its clients wait until somebody resumes it.`
        : `${name} is disabled: new clients are turned away.`,
      object: name,
      evidence: { pooler, paused, disabled },
      why: `${DOCS}/usage.html#${paused ? 'pause-db' : 'disable-db'}`,
      next_step: `${WHEN_DONE}\n${paused ? 'RESUME' : 'ENABLE'} ${name};`,
    },
  ];
}

/** Null where there is nothing to have a share of. */
function percentOf(part: number | null, whole: number | null): number | null {
  return part === null || !whole ? null : Math.round((1000 * part) / whole) / 10;
}
