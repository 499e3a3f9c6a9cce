import { gather, quoteIdentifier, type Finding } from '../kit/index.ts';
import { judgeReceivers, nameReceiver } from '../server/replication.ts';
import type { Subscription } from './logical.ts';
import type { Position } from './position.ts';
import type { Standby } from './senders.ts';

/** A standby far behind in bytes may be close in time, when much was written at once, or unable to say how long. */
export function judgeStandbys(rows: readonly Standby[], maxLagS: number, maxLagSize: number): Finding[] {
  const large = rows.filter(
    ({ lag_size, replay_lag_s }) => (replay_lag_s ?? 0) <= maxLagS && (lag_size ?? 0) > maxLagSize,
  );
  return [
    ...judgeReceivers(rows, maxLagS),
    ...gather(
      large.map(({ application, client_address, database, state, lag_size, unsent_size, unreplayed_size, slot }) => ({
        severity: 'warning' as const,
        claim: `${database === null ? 'A standby' : 'A receiver of logical changes'} has much WAL still to receive or to replay.`,
        object: nameReceiver({ application, client_address }),
        evidence: { database, state, slot, lag_size, unsent_size, unreplayed_size },
        why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW',
        next_step: 'SELECT * FROM pg_stat_replication;',
      })),
      (count) => `${count} receivers have much WAL still to receive or to replay.`,
    ),
  ];
}

/**
 * Commits wait for so many standbys of the list, and there are fewer. Not judged where a login does not see who is
 * synchronous. https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
 */
export function judgeSynchronous(row: Position | undefined, standbys: readonly Standby[]): Finding[] {
  if (!row || row.standby || row.synchronous_standby_names === null) return [];
  if (standbys.some(({ sync_state }) => sync_state === null)) return [];
  if (row.synchronous_commit === 'off' || row.synchronous_commit === 'local') return [];
  const { synchronous_standby_names, synchronous_commit } = row;
  const needed = Number(/^\s*(?:(?:first|any)\s+)?(\d+)\s*\(/i.exec(synchronous_standby_names)?.[1] ?? 1);
  const connected = standbys.filter(
    ({ sync_state, state }) => (sync_state === 'sync' || sync_state === 'quorum') && state === 'streaming',
  ).length;
  if (connected >= needed) return [];
  return [
    {
      severity: 'critical',
      claim: `Commits wait for ${needed} synchronous ${needed === 1 ? 'standby' : 'standbys'}, and ${connected === 0 ? 'none is' : `only ${connected} are`} connected.`,
      object: '"synchronous_standby_names"',
      evidence: { synchronous_standby_names, synchronous_commit, connected, needed },
      why: 'https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION',
      next_step:
        'SELECT application_name, client_addr, state, sync_state FROM pg_stat_replication;\n-- bring a standby back; emptying synchronous_standby_names ends the wait too, and commits may be lost at a failover then',
    },
  ];
}

/** Workers run on a primary only. */
export function judgeSubscriptions(rows: readonly Subscription[], standby: boolean): Finding[] {
  if (standby) return [];
  return gather(
    rows.flatMap((row) => judgeSubscription(row)),
    (count) => `${count} subscriptions receive nothing or fail.`,
  );
}

/** A restored copy of a subscriber that is enabled takes the changes of the original. */
const STOPPED = [
  'SELECT subname, subenabled, subslotname, subpublications FROM pg_subscription;',
  '-- it may be stopped on purpose; when what stopped it is mended, and this is no copy of another subscriber: ALTER SUBSCRIPTION … ENABLE',
].join('\n');

function judgeSubscription(row: Subscription): Finding[] {
  const { subscription, database, enabled, pid, slot, tables_not_ready, apply_errors, sync_errors } = row;
  const object = quoteIdentifier(subscription);
  const failed = (apply_errors ?? 0) + (sync_errors ?? 0);
  const finding = (severity: Finding['severity'], claim: string, next_step: string): Finding => ({
    severity,
    claim,
    object,
    evidence: { database, enabled, pid, slot, tables_not_ready, apply_errors, sync_errors },
    why: 'https://www.postgresql.org/docs/current/logical-replication-monitoring.html',
    next_step,
  });
  if (!enabled) {
    return [
      finding(
        'notice',
        `The subscription ${object} is disabled${slot === null ? '' : ', and its slot on the publisher keeps WAL'}.`,
        STOPPED,
      ),
    ];
  }
  const log = '-- the log of the server says why';
  if (pid === null) return [finding('warning', `No worker applies changes for the subscription ${object}.`, log)];
  if (failed === 0) return [];
  return [finding('notice', `The subscription ${object} has failed ${failed} times since statistics were reset.`, log)];
}
