import { judgeSpilling } from '../storage/judge-temporary.ts';
import { changeSettings, comment, gather, quoteIdentifier, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { CounterRow } from './counter-row.ts';
import type { WorkerLimits } from './database-counters.ts';
import { judgeChecksums } from './judge-databases.ts';

const DOCS = 'https://www.postgresql.org/docs/current';
const DAY_S = 24 * 3600;

/** A rate that an application has; those who only look, as Howdah does, roll back a transaction now and then. */
const MANY_ROLLBACKS_PER_S = 2;
/** Counted for less, a rate is that of whoever looks: a health check alone has some sixty transactions. */
const LEAST_COUNTED_S = 3600;
/** What a busy database reads in an hour. */
const MUCH_READ_PER_HOUR = 10 * 2 ** 30;
const MANY_WORKERS = 10_000;

interface Thresholds {
  readonly max_deadlocks_per_day: number;
  readonly max_rollback_percent: number;
  readonly min_hit_percent: number;
  readonly min_launched_percent: number;
  readonly max_temp_per_hour: number;
}

interface Server {
  readonly service: ConnectionFacts['service'];
  readonly limits: WorkerLimits | undefined;
}

type Named = CounterRow & { readonly database: string };

export function judgeCounters(rows: readonly CounterRow[], input: Thresholds, server: Server): Finding[] {
  const named = rows.filter((row): row is Named => row.database !== null);
  return [
    ...gather(named.flatMap(judgeChecksums), (count) => `${count} databases have pages with wrong checksums.`),
    ...gather(
      named.flatMap((row) => judgeDeadlocks(row, input.max_deadlocks_per_day)),
      (count) => `${count} databases have many deadlocks.`,
    ),
    ...gather(
      named.flatMap((row) => judgeRollbacks(row, input.max_rollback_percent)),
      (count) => `Many transactions of ${count} databases are rolled back.`,
    ),
    ...judgeSpilling(
      named.map((row) => ({
        ...row,
        temp_files: row.temp_files ?? 0,
        temp_size: row.temp_size ?? 0,
        size_per_hour: row.temp_size_per_hour,
      })),
      input.max_temp_per_hour,
    ),
    ...gather(
      named.flatMap((row) => judgeHits(row, input.min_hit_percent)),
      (count) => `${count} databases read much from outside the cache.`,
    ),
    ...judgeWorkers(named, input.min_launched_percent, server),
  ];
}

function judgeDeadlocks({ database, deadlocks, counted_s, counted_since }: Named, maxPerDay: number): Finding[] {
  const perDay = Math.round((deadlocks ?? 0) / Math.max((counted_s ?? 0) / DAY_S, 1));
  if (perDay <= maxPerDay) return [];
  const object = quoteIdentifier(database);
  return [
    {
      severity: 'notice',
      claim: `Database ${object} has ${perDay} deadlocks a day.`,
      object,
      evidence: { deadlocks, counted_since },
      why: `${DOCS}/explicit-locking.html#LOCKING-DEADLOCKS`,
      next_step: comment('the log of the server has both statements of each: they should lock rows in one order'),
    },
  ];
}

function judgeRollbacks(row: Named, maxPercent: number): Finding[] {
  const { database, commits, rollbacks, rollback_percent, counted_s, counted_since } = row;
  const perSecond = (rollbacks ?? 0) / Math.max(counted_s ?? 0, LEAST_COUNTED_S);
  if ((rollback_percent ?? 0) <= maxPercent || perSecond < MANY_ROLLBACKS_PER_S) return [];
  const object = quoteIdentifier(database);
  return [
    {
      severity: 'notice',
      claim: `${rollback_percent} % of the transactions of database ${object} are rolled back.`,
      object,
      evidence: { rollbacks, commits, counted_since },
      why: `${DOCS}/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW`,
      next_step: comment(
        'the log of the server has the errors; drivers and poolers that look with ROLLBACK, as Howdah does, count too',
      ),
    },
  ];
}

function judgeHits(row: Named, minPercent: number): Finding[] {
  const { database, hit_percent, read_size, counted_s, counted_since } = row;
  const perHour = (read_size ?? 0) / Math.max((counted_s ?? 0) / 3600, 1);
  if (hit_percent === null || hit_percent >= minPercent || perHour < MUCH_READ_PER_HOUR) return [];
  const object = quoteIdentifier(database);
  return [
    {
      severity: 'notice',
      claim: `Only ${hit_percent} % of the blocks that database ${object} needs are in shared_buffers.`,
      object,
      evidence: { hit_percent, read_size, read_per_hour: Math.round(perHour), counted_since },
      why: `${DOCS}/runtime-config-resource.html#GUC-SHARED-BUFFERS`,
      next_step: [
        comment('in that database: what is read most, by statements that may lack an index'),
        'SELECT relid::regclass, heap_blks_read, heap_blks_hit FROM pg_statio_user_tables ORDER BY heap_blks_read DESC LIMIT 10;',
      ].join('\n'),
    },
  ];
}

/** Of all databases, since they share the workers. */
function judgeWorkers(rows: readonly Named[], minPercent: number, server: Server): Finding[] {
  const sum = (field: 'parallel_workers_to_launch' | 'parallel_workers_launched') =>
    rows.reduce((all, row) => all + (row[field] ?? 0), 0);
  const [planned, launched] = [sum('parallel_workers_to_launch'), sum('parallel_workers_launched')];
  const percent = planned === 0 ? 100 : Math.round((100 * launched) / planned);
  if (planned < MANY_WORKERS || percent >= minPercent) return [];
  return [
    {
      severity: 'notice',
      claim: `Only ${percent} % of the parallel workers that plans count on could be launched.`,
      object: '"max_parallel_workers"',
      evidence: { parallel_workers_to_launch: planned, parallel_workers_launched: launched, ...server.limits },
      why: `${DOCS}/runtime-config-resource.html#GUC-MAX-PARALLEL-WORKERS`,
      next_step: [
        "SELECT name, setting FROM pg_settings WHERE name IN ('max_worker_processes', 'max_parallel_workers', 'max_parallel_workers_per_gather');",
        ...moreWorkers(server),
      ].join('\n'),
    },
  ];
}

/** PostgreSQL takes no more. */
const MOST_WORKERS = 1024;

/** All background processes share max_worker_processes, so that it grows by as much where it is the limit. */
function moreWorkers({ service, limits }: Server): string[] {
  if (!limits || limits.max_parallel_workers >= MOST_WORKERS) return [];
  const { max_parallel_workers, max_worker_processes } = limits;
  const more = Math.min(MOST_WORKERS, Math.max(16, 2 * max_parallel_workers));
  const parallel = { name: 'max_parallel_workers', value: String(more) };
  const idle = comment('where processors are idle');
  if (more <= max_worker_processes) return [idle, changeSettings(service, [parallel])];
  const processes = {
    name: 'max_worker_processes',
    value: String(Math.max(more, max_worker_processes + more - max_parallel_workers)),
    restart: true,
    note: 'on standbys first: one that has less than its primary stops to replay',
  };
  return [idle, changeSettings(service, [parallel, processes])];
}
