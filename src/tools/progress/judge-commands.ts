import { blockerSeverity } from '../activity/blocker.ts';
import { endSession, lookAt } from '../activity/ending.ts';
import {
  changeSettings,
  endPrepared,
  gather,
  quoteIdentifier,
  quoteName,
  type ConnectionFacts,
  type Finding,
} from '../kit/index.ts';
import type { RunningCommand } from './running-command.ts';

interface Thresholds {
  readonly min_wait_s: number;
  readonly max_index_rounds: number;
}

const MIB = 2 ** 20;

/** More than this VACUUM did not use before PostgreSQL 17: https://www.postgresql.org/docs/16/runtime-config-resource.html#GUC-MAINTENANCE-WORK-MEM */
const MOST_MEMORY = 1024 * MIB;

export function judgeCommands(
  rows: readonly RunningCommand[],
  { min_wait_s, max_index_rounds }: Thresholds,
  facts: Pick<ConnectionFacts, 'service' | 'major'>,
): Finding[] {
  const waiting = rows.filter(({ blocked_by, wait_s }) => isWaiting(blocked_by) && (wait_s ?? 0) >= min_wait_s);
  const blocking = rows.filter(({ blocked_by, waiting_behind }) => waiting_behind > 0 && !isWaiting(blocked_by));
  return [
    ...gather(blocking.map(judgeBlocking), (count) => `${count} commands block others.`, lookAt(blocking)),
    ...gather(waiting.map(judgeWait), (count) => `${count} commands wait for others.`, lookAt(waiting)),
    ...gather(
      rows.flatMap((row) => judgeRounds(row, max_index_rounds, facts)),
      (count) => `${count} runs of VACUUM go through all indexes again and again.`,
    ),
    ...gather(
      rows.flatMap(judgeWraparound),
      (count) => `Autovacuum works on ${count} tables to prevent wraparound, and gives way to nobody.`,
    ),
  ];
}

function isWaiting(blockedBy: readonly number[] | null): boolean {
  return blockedBy !== null && blockedBy.length > 0;
}

/** Worded so that it has the object and the step that the tool activity has for the same session. */
function judgeBlocking(row: RunningCommand): Finding {
  const { pid, waiting_behind, longest_wait_s, phase, running_s } = row;
  return {
    severity: blockerSeverity(row, 1),
    claim: `${nameOf(row)} blocks ${waiting_behind} ${waiting_behind === 1 ? 'session' : 'sessions'}.`,
    object: `pid ${pid}`,
    evidence: { waiting_behind, longest_wait_s, phase, running_s },
    why: 'https://www.postgresql.org/docs/current/explicit-locking.html',
    next_step: endSession(row),
  };
}

function judgeWait(row: RunningCommand): Finding {
  const { locker_pid, blocked_by, wait_s, phase, done, total, unit } = row;
  const pids = (blocked_by ?? []).filter((pid) => pid !== 0);
  const first = locker_pid ?? pids[0];
  const forTransactions = unit === 'transactions';
  return {
    severity: 'warning',
    claim: forTransactions
      ? `${nameOf(row)} waits for transactions of others to end: ${done ?? 0} of ${total ?? 0} have.`
      : `${nameOf(row)} waits for a lock of ${first === undefined ? 'a prepared transaction' : `session ${first}`}.`,
    ...(objectOf(row) !== undefined && { object: objectOf(row) }),
    evidence: { phase, wait_s, blocked_by: (blocked_by ?? []).join(', ') },
    why: forTransactions
      ? 'https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY'
      : 'https://www.postgresql.org/docs/current/explicit-locking.html',
    next_step: pids.length === 0 ? endPrepared(null) : lookAt(pids.map((each) => ({ pid: each }))),
  };
}

/** The round that is under way counts, too. */
function judgeRounds(
  row: RunningCommand,
  most: number,
  { service, major }: Pick<ConnectionFacts, 'service' | 'major'>,
): Finding[] {
  const { command, phase, steps_done, memory_size, scanned_percent, started_by } = row;
  const rounds = (steps_done ?? 0) + (phase === 'vacuuming indexes' ? 1 : 0);
  if (command !== 'VACUUM' || rounds < most) return [];
  const memory = memory_size ?? 0;
  return [
    {
      severity: 'warning',
      claim: `${nameOf(row)} goes through all indexes again, in round ${rounds}: its memory for dead rows is too small.`,
      ...(objectOf(row) !== undefined && { object: objectOf(row) }),
      evidence: { rounds, memory_size: memory, scanned_percent, phase },
      why: 'https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-MAINTENANCE-WORK-MEM',
      next_step: moreMemory({ automatic: started_by !== 'session', memory, major, service }),
    },
  ];
}

function moreMemory({
  automatic,
  memory,
  major,
  service,
}: {
  readonly automatic: boolean;
  readonly memory: number;
  readonly major: number;
  readonly service: ConnectionFacts['service'];
}): string {
  if (major < 17 && 2 * memory > MOST_MEMORY) {
    return '-- before PostgreSQL 17 VACUUM uses at most 1 GB for dead rows: let it come more often, before there are so many\nSHOW autovacuum_vacuum_scale_factor;';
  }
  const value = `'${Math.max(64, Math.ceil((2 * memory) / MIB))}MB'`;
  if (!automatic) return `SET maintenance_work_mem = ${value}; -- in the session that runs VACUUM, before it does`;
  return changeSettings(service, [
    { name: 'autovacuum_work_mem', value, note: 'for each of autovacuum_max_workers; the next VACUUM uses it' },
  ]);
}

function judgeWraparound(row: RunningCommand): Finding[] {
  if (row.started_by !== 'autovacuum to prevent wraparound' || row.waiting_behind > 0) return [];
  const { phase, scanned_percent, running_s } = row;
  return [
    {
      severity: 'notice',
      claim: `${nameOf(row)} prevents wraparound, and gives way to nobody.`,
      ...(objectOf(row) !== undefined && { object: objectOf(row) }),
      evidence: { phase, scanned_percent, running_s },
      why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND',
    },
  ];
}

function nameOf(row: RunningCommand): string {
  const { command, pid, database } = row;
  const what = command ?? 'A command';
  return `${what} of ${objectOf(row) ?? `session ${pid}${database === null ? '' : ` in database ${quoteIdentifier(database)}`}`}`;
}

/** Of another database the table has no name here. */
function objectOf({ schema, table, index }: RunningCommand): string | undefined {
  if (schema === null || table === null) return undefined;
  return quoteName(schema, index ?? table);
}
