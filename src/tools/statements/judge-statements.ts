import { changeSettings, gather, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { AboutCounting, AboutStatements, StatementRow } from './statement-row.ts';

/** Less than this is not worth anybody's time, whatever the ratio. */
const HEAVY_BYTES = 100 * 1024 * 1024;
const HEAVY_MS = 1000;
/** A mean of fewer calls is an anecdote. */
const MANY_CALLS = 10;

const DOCS = 'https://www.postgresql.org/docs/current';

interface Thresholds {
  readonly dominating_percent: number;
  readonly min_total_ms: number;
  readonly min_hit_percent: number;
  readonly slow_ms: number;
}

interface Evidence {
  readonly input: Thresholds;
  readonly about: AboutStatements | null;
  readonly facts: Pick<ConnectionFacts, 'service'>;
}

export function judgeStatements(rows: readonly StatementRow[], { input, about, facts }: Evidence): Finding[] {
  return [
    ...judgeEvictions(about, facts.service),
    ...rows.filter((row) => dominates(row, input)).map(dominating),
    ...gather(
      rows.filter((row) => isSlow(row, input)).map(slow),
      (count) => `${count} statements are slow on average.`,
    ),
    ...gather(
      rows.filter((row) => misses(row, input)).map(missing),
      (count) => `${count} statements read much from outside the cache.`,
    ),
    ...gather(
      rows.filter(({ temp_size }) => (temp_size ?? 0) >= HEAVY_BYTES).map(spilling),
      (count) => `${count} statements spill to temporary files.`,
    ),
    ...gather(
      rows.filter(isPlannedLonger).map(planned),
      (count) => `${count} statements take longer to plan than to run.`,
    ),
  ];
}

export function judgeEvictions(about: AboutCounting | null, service: ConnectionFacts['service']): Finding[] {
  if (about === null || (about.evictions ?? 0) === 0) return [];
  const { evictions, max_tracked, tracked, since } = about;
  return [
    {
      severity: 'notice',
      claim: 'Rarely run statements were evicted, so their counters are too low or missing.',
      object: '"pg_stat_statements.max"',
      evidence: { evictions, tracked, max_tracked, since },
      why: `${DOCS}/pgstatstatements.html#PGSTATSTATEMENTS-CONFIG-PARAMS`,
      next_step: changeSettings(service, [
        { name: 'pg_stat_statements.max', value: `${2 * (max_tracked ?? 5000)}`, restart: true },
      ]),
    },
  ];
}

function dominates({ total_percent, total_ms }: StatementRow, input: Thresholds): boolean {
  return (total_percent ?? 0) >= input.dominating_percent && (total_ms ?? 0) >= input.min_total_ms;
}

function dominating(row: StatementRow): Finding {
  return finding('warning', row, {
    claim: `One statement takes ${row.total_percent} % of the time of all.`,
    evidence: { total_percent: row.total_percent, total_ms: row.total_ms, calls: row.calls },
    why: `${DOCS}/using-explain.html`,
  });
}

/** Of the two ways to be slow on average, one long run is none of them. */
function isSlow({ mean_ms, calls }: StatementRow, { slow_ms }: Thresholds): boolean {
  return calls >= MANY_CALLS && (mean_ms ?? 0) > slow_ms;
}

function slow(row: StatementRow): Finding {
  return finding('notice', row, {
    claim: `A statement takes ${row.mean_ms} ms on average, over ${row.calls} calls.`,
    evidence: { mean_ms: row.mean_ms, max_ms: row.max_ms, calls: row.calls },
    why: `${DOCS}/using-explain.html`,
  });
}

function misses({ hit_percent, read_size }: StatementRow, { min_hit_percent }: Thresholds): boolean {
  return (read_size ?? 0) >= HEAVY_BYTES && hit_percent !== null && hit_percent < min_hit_percent;
}

function missing(row: StatementRow): Finding {
  return finding('notice', row, {
    claim: `Only ${row.hit_percent} % of the blocks that a statement needs are in shared_buffers.`,
    evidence: { hit_percent: row.hit_percent, read_size: row.read_size, calls: row.calls },
    why: `${DOCS}/runtime-config-resource.html#GUC-SHARED-BUFFERS`,
  });
}

function spilling(row: StatementRow): Finding {
  return finding('notice', row, {
    claim: 'A statement sorts or hashes more than work_mem holds, and goes through temporary files.',
    evidence: { temp_size: row.temp_size, calls: row.calls },
    why: `${DOCS}/runtime-config-resource.html#GUC-WORK-MEM`,
  });
}

function isPlannedLonger({ planning_ms, total_ms }: StatementRow): boolean {
  return (planning_ms ?? 0) >= HEAVY_MS && (planning_ms ?? 0) > (total_ms ?? 0);
}

function planned(row: StatementRow): Finding {
  return finding('notice', row, {
    claim: 'A statement takes longer to plan than to run; a prepared one is planned less often.',
    evidence: { planning_ms: row.planning_ms, total_ms: row.total_ms, plans: row.plans },
    why: `${DOCS}/sql-prepare.html`,
  });
}

function finding(
  severity: Finding['severity'],
  { query_id, database, user }: StatementRow,
  rest: Pick<Finding, 'claim' | 'evidence' | 'why'>,
): Finding {
  return {
    severity,
    ...rest,
    ...(query_id !== null && { object: `query ${query_id}` }),
    evidence: { ...rest.evidence, database, user },
  };
}
