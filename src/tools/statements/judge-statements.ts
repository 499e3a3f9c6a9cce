import {
  changeSettings,
  compareVersions,
  gather,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import { EXTENSION } from './columns.ts';
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

/** Counters that an old version of the extension lacks, and the major of PostgreSQL that brought the newer version. */
interface Later {
  readonly what: string;
  readonly version: string;
  readonly major: number;
}

const CAME_LATER: readonly Later[] = [
  { what: 'WAL and planning times', version: '1.8', major: 13 },
  { what: 'evictions, and since when the server counts', version: '1.9', major: 14 },
];

/** https://www.postgresql.org/docs/current/multibyte.html: in SQL_ASCII any byte may be stored. */
export const UNREADABLE_TEXTS: NotExamined = {
  what: 'the texts of all statements',
  reason:
    'One of them, of a database without an encoding (SQL_ASCII), is no text in the encoding of this database, and the extension gives all or none.',
  remedy:
    "Ask by way of a database whose encoding is SQL_ASCII and that has the extension, or forget what was counted of those databases:\nSELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE pg_encoding_to_char(encoding) = 'SQL_ASCII';",
};

interface Asked {
  readonly input: { readonly order_by: string };
  readonly facts: Pick<ConnectionFacts, 'major' | 'service'>;
}

/**
 * What the extension's version or the settings keep from being counted. Settings that are off by default, because they
 * cost, are a gap for those only who ask for what they count.
 */
export function notRecorded(
  about: AboutCounting & { readonly texts_read: boolean },
  { input, facts: { major, service } }: Asked,
): NotExamined[] {
  const { extension_version, track, track_planning, track_io_timing, max_tracked } = about;
  const cameLater = (later: Later): NotExamined => ({
    what: later.what,
    reason: `They came with version ${later.version} of the extension; this is ${extension_version}.`,
    remedy:
      major >= later.major ? `ALTER EXTENSION ${EXTENSION} UPDATE;` : `PostgreSQL ${later.major} has that version.`,
  });
  const gaps = CAME_LATER.filter(({ version }) => compareVersions(extension_version, version) < 0).map(cameLater);
  const off = (what: string, name: string, value: string, note?: string): NotExamined => ({
    what,
    reason: `The setting ${name} keeps them from being counted.`,
    remedy: changeSettings(service, [{ name, value, ...(note !== undefined && { note }) }]),
  });
  if (track_planning === false && input.order_by === 'planning') {
    const costs = 'slows down sessions that run the same statements at once';
    gaps.push(off('planning times', 'pg_stat_statements.track_planning', 'on', costs));
  }
  if (!track_io_timing && input.order_by === 'io') {
    const costs = 'pg_test_timing, run on that machine, says what it costs';
    gaps.push(off('the time of reads and writes', 'track_io_timing', 'on', costs));
  }
  if (input.order_by === 'jit' && compareVersions(extension_version, '1.10') < 0) {
    gaps.push(cameLater({ what: 'JIT times', version: '1.10', major: 15 }));
  }
  if (track === 'none') {
    gaps.push(off('statements since tracking was turned off', 'pg_stat_statements.track', 'top'));
  }
  if (max_tracked === null)
    gaps.push({ what: 'the settings of pg_stat_statements', reason: 'They are not visible to this login.' });
  if (!about.texts_read) gaps.push(UNREADABLE_TEXTS);
  return gaps;
}
